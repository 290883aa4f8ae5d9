// Words of a command line into the targets of a command's options. The only place that includes CLI11.
#pragma once

#include <string>
#include <vector>

#include <paceline/error.hpp>

#include "cli/command_text.hpp"

namespace paceline {

/// What was read.
struct ReadLine {
  const CommandText* command = nullptr;  ///< null: none was asked for, `text` is the answer
  std::string text;                      ///< of --help and --version
};

/// `words`: without the program's name. `hint` is added to what is said of words that nobody expects.
/// Throws Error (usage).
ReadLine read(const std::vector<CommandText>& commands, const std::vector<std::string>& words, const std::string& hint);

/// A mistake in the options of a command, with the help that was meant.
Error usage_error(const std::string& command, const std::string& why);

}  // namespace paceline
