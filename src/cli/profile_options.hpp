// The options of `paceline profile`. What comes after `--` is the launch line and none of our options.
#pragma once

#include "study/profile/profile.hpp"

namespace CLI {
class App;
}

namespace paceline {

/// Declares the sub-command; values are parsed into `options`, whose line is set already.
CLI::App* add_profile(CLI::App& app, ProfileOptions& options);

}  // namespace paceline
