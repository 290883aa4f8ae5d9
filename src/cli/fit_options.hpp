// The options of `paceline fit` and `paceline compare`.
#pragma once

#include "study/fit_command.hpp"

namespace CLI {
class App;
}

namespace paceline {

/// Declare the sub-commands; values are parsed into `options`.
CLI::App* add_fit(CLI::App& app, FitOptions& options);
CLI::App* add_compare(CLI::App& app, CompareOptions& options);

}  // namespace paceline
