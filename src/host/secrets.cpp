#include "host/secrets.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace paceline {
namespace {

constexpr const char* secret_names =
    "(?:passw(?:or)?d|passphrase|secret|token|jwt|credential|api[-_]?key|access[-_]?key)";

}  // namespace

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

std::string masked(const std::string& text) {
  static const RE2 options(std::string("(?i)(--?[a-z0-9_-]*") + secret_names +
                           "[a-z0-9_-]*(?:=|\\s+))('[^']*'|\"[^\"]*\"|[^\\s'\"]+)");
  static const RE2 variables(std::string("(?i)(\\b[a-z0-9_]*") + secret_names +
                             "[a-z0-9_]*=)('[^']*'|\"[^\"]*\"|[^\\s'\"]+)");
  auto clean = without_credentials(text);
  RE2::GlobalReplace(&clean, options, "\\1***");
  RE2::GlobalReplace(&clean, variables, "\\1***");
  return clean;
}

bool names_a_secret(const std::string& name) {
  static const RE2 names(std::string("(?i)") + secret_names);
  return RE2::PartialMatch(name, names);
}

}  // namespace paceline
