#include "host/masked.hpp"

#include <re2/re2.h>

namespace paceline {
namespace {

constexpr const char* secret_names =
    "(?:passw(?:or)?d|passphrase|secret|token|jwt|credential|api[-_]?key|access[-_]?key)";

}  // namespace

std::string masked(const std::string& text) {
  static const RE2 urls("(//[^/\\s:@'\"]*):[^/\\s@'\"]*@");
  static const RE2 options(std::string("(?i)(--?[a-z0-9_-]*") + secret_names +
                           "[a-z0-9_-]*(?:=|\\s+))('[^']*'|\"[^\"]*\"|[^\\s'\"]+)");
  static const RE2 variables(std::string("(?i)(\\b[a-z0-9_]*") + secret_names +
                             "[a-z0-9_]*=)('[^']*'|\"[^\"]*\"|[^\\s'\"]+)");
  auto clean = text;
  RE2::GlobalReplace(&clean, urls, "\\1:***@");
  RE2::GlobalReplace(&clean, options, "\\1***");
  RE2::GlobalReplace(&clean, variables, "\\1***");
  return clean;
}

bool names_a_secret(const std::string& name) {
  static const RE2 names(std::string("(?i)") + secret_names);
  return RE2::PartialMatch(name, names);
}

}  // namespace paceline
