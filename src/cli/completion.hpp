// Scripts that make Tab complete commands, options, their values and file names.
#pragma once

#include <string>
#include <vector>

#include "cli/command_text.hpp"

namespace paceline {

/// `shell`: bash, zsh or fish.
std::string completion_script(const std::string& shell, const std::vector<CommandText>& commands);

}  // namespace paceline
