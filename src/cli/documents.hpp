// Manual pages from the texts of --help.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command_text.hpp"

namespace paceline {

/// In the language of man(7): of the program, with all commands by what people do with them, and of one command.
std::string manual_page(const std::vector<CommandText>& commands);
std::string manual_page(const CommandText& command);

/// What an installation has of these: share/man/man1, and a completion script for each shell where it looks for it.
/// Throws Error (output).
void write_documents(const std::filesystem::path& folder, const std::vector<CommandText>& commands);

}  // namespace paceline
