#include "cli/command_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "host/text.hpp"

namespace paceline {
namespace {

/// "FILE.png|svg (x)" -> "FILE.png|svg"
std::string form_of(const Option& option) { return option.shown_value.substr(0, option.shown_value.find(' ')); }

bool is_lower_case(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
  });
}

}  // namespace

std::string exit_codes_text() {
  return "Exit codes: 0 done; 1 anything else; 2 a wrong command line; 3 a bad input file; 4 the output can't be "
         "written;\n5 a check failed, or items did; 6 interrupted with its state saved: the same command with --resume "
         "goes on.";
}

bool is_positional(const Option& option) { return !option.name.starts_with('-'); }

std::vector<std::string> names_of(const Option& option) { return split(option.name, ','); }

std::string shown_form(const Option& option) {
  if (!option.shown_value.empty()) return option.shown_value;
  return std::visit(
      [&]<class Target>(const Target& target) -> std::string {
        if constexpr (std::is_same_v<Target, bool*>) {
          return {};
        } else if constexpr (std::is_same_v<Target, std::string*>) {
          return target->empty() ? "TEXT" : fmt::format("TEXT ({})", *target);
        } else if constexpr (std::is_same_v<Target, int*> || std::is_same_v<Target, std::int64_t*> ||
                             std::is_same_v<Target, std::uint64_t*> || std::is_same_v<Target, double*>) {
          return fmt::format("N ({})", *target);
        } else {
          return "VALUE";
        }
      },
      option.target);
}

bool takes_many(const Option& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.target) ||
         std::holds_alternative<std::vector<Option::Path>*>(option.target) ||
         std::holds_alternative<std::function<void(const std::vector<std::string>&)>>(option.target);
}

std::vector<std::string> values_of(const Option& option) {
  if (!option.names.empty()) return option.names;
  const auto words = split(form_of(option), '|');
  return words.size() > 1 && std::all_of(words.begin(), words.end(), is_lower_case) ? words
                                                                                    : std::vector<std::string>();
}

std::vector<std::string> endings_of(const Option& option) {
  std::vector<std::string> endings;
  for (const auto& word : split(form_of(option), '|')) {
    // FILE.h5:/x,/y
    const auto name = word.substr(0, word.find(':'));
    const auto dot = name.rfind('.');
    const auto ending = dot == std::string::npos ? (endings.empty() ? "" : name) : name.substr(dot + 1);
    if (is_lower_case(ending)) endings.push_back(ending);
  }
  return endings;
}

ValueKind value_kind(const Option& option) {
  if (std::holds_alternative<bool*>(option.target)) return ValueKind::none;
  if (!values_of(option).empty()) return ValueKind::name;
  const bool is_path = std::holds_alternative<Option::Path*>(option.target) ||
                       std::holds_alternative<std::vector<Option::Path>*>(option.target);
  if (is_path || form_of(option).starts_with("FILE")) return ValueKind::file;
  return ValueKind::text;
}

}  // namespace paceline
