// The options of `paceline profile`. What comes after `--` is the launch line and none of our options.
#pragma once

#include "cli/command_text.hpp"
#include "study/profile/profile.hpp"

namespace paceline {

/// The command; values are parsed into `options`, whose line is set already.
CommandText profile_command(ProfileOptions& options);

}  // namespace paceline
