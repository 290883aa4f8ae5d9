// The options of `paceline study`. What comes after `--` is the command under study and none of our options.
#pragma once

#include <string>
#include <vector>

#include "cli/command_text.hpp"
#include "study/measure/options.hpp"

namespace paceline {

/// A command line up to its first `--`, and what comes after.
struct SplitLine {
  std::vector<std::string> own;
  std::vector<std::string> command;
};
SplitLine split_at_dashes(int argc, char** argv);

/// The command; values are parsed into `options`, whose command is set already.
CommandText study_command(StudyOptions& options);

/// Looks at what CLI11 can't check, and at the options of a command that is this very program: what each of its runs
/// would refuse is told before any starts. Throws Error (usage).
void check_study(const StudyOptions& options);

}  // namespace paceline
