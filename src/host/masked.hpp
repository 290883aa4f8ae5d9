// Texts without passwords, for files and messages that others may read.
#pragma once

#include <string>

namespace paceline {

/// The text with *** in place of passwords: those of URLs (`//user:password@host`), and values of options and variables
/// whose name says that they are one (`--api-token X`, `PASSWORD=X`).
std::string masked(const std::string& text);

/// A variable of the environment that may hold a password, by its name.
bool names_a_secret(const std::string& name);

}  // namespace paceline
