// Options with a few named values, for CLI11: by name only, and a wrong one is told the names.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace paceline {

/// Turns a name into its value; anything else is an error that lists the names.
template <class Enum>
CLI::Validator choice(const std::map<std::string, Enum>& values) {
  std::string names;
  for (const auto& [name, value] : values) names += (names.empty() ? "" : ", ") + name;
  return CLI::Validator(
      [values, names](std::string& text) {
        const auto found = values.find(text);
        if (found == values.end()) return text + " is not one of " + names;
        text = std::to_string(static_cast<int>(found->second));
        return std::string();
      },
      "");
}

}  // namespace paceline
