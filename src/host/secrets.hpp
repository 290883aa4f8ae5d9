// What must not be kept or shown, since others may read files and messages.
#pragma once

#include <string>
#include <string_view>

namespace paceline {

/// A text in which the credentials of URLs, what stands between :// and @, are ***.
std::string without_credentials(std::string_view text);

/// The same, and without the values of options and variables whose name says that they are secret (`--api-token X`,
/// `PASSWORD=X`).
std::string masked(const std::string& text);

/// A variable of the environment that may hold a password, by its name.
bool names_a_secret(const std::string& name);

}  // namespace paceline
