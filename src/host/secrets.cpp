#include "host/secrets.hpp"

#include <algorithm>

namespace paceline {

std::string without_credentials(std::string_view text) {
  constexpr std::string_view mark = "://";
  std::string kept;
  for (;;) {
    const auto at = text.find(mark);
    if (at == std::string_view::npos) break;
    kept += text.substr(0, at + mark.size());
    text.remove_prefix(at + mark.size());
    // The authority ends with the first of these (RFC 3986, 3.2); a quote or space ends the URL. A backslash is taken
    // for a slash by some.
    const auto authority = text.substr(0, std::min(text.find_first_of("/?#\\\"' \t\r\n"), text.size()));
    const auto end = authority.rfind('@');
    if (end == std::string_view::npos) continue;
    kept += "***";
    text.remove_prefix(end);
  }
  kept += text;
  return kept;
}

}  // namespace paceline
