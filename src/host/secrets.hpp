// What must not be kept or shown.
#pragma once

#include <string>
#include <string_view>

namespace paceline {

/// A text in which the credentials of URLs, what stands between :// and @, are ***.
std::string without_credentials(std::string_view text);

}  // namespace paceline
