// Options of a workload as plain values, declared without the library that reads command lines.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace paceline {

struct Option {
  using Path = std::filesystem::path;
  /// Where the value goes, or all values. A function is given a text that `why_wrong` has nothing against.
  using Target =
      std::variant<bool*, std::string*, int*, std::int64_t*, std::uint64_t*, double*, Path*,
                   std::optional<std::int64_t>*, std::optional<double>*, std::vector<std::string>*, std::vector<Path>*,
                   std::function<void(const std::string&)>, std::function<void(const std::vector<std::string>&)>>;
  /// What is wrong with a value, as a part of a sentence; empty if nothing is.
  using Check = std::function<std::string(const std::string& text)>;

  std::string name;  ///< with its dashes; without any, what follows the options
  Target target;
  std::string help;
  std::string shown_value;         ///< in --help, for example "N (8)"; empty: the default is shown
  std::vector<std::string> names;  ///< the only values there are; empty: any
  std::optional<std::pair<std::int64_t, std::int64_t>> whole_range;
  std::optional<std::pair<double, double>> real_range;
  Check why_wrong;                    ///< may be empty
  std::vector<std::string> excluded;  ///< options that make no sense beside this one
  bool is_size = false;               ///< bytes, with a unit
  bool is_required = false;
  bool flag_value = true;  ///< of a flag: what it sets

  Option& shown(std::string text) { return shown_value = std::move(text), *this; }
  Option& one_of(std::vector<std::string> values) { return names = std::move(values), *this; }
  Option& from(std::int64_t least, std::int64_t most) { return whole_range.emplace(least, most), *this; }
  Option& between(double least, double most) { return real_range.emplace(least, most), *this; }
  Option& checked(Check check) { return why_wrong = std::move(check), *this; }
  Option& excludes(std::string other) { return excluded.push_back(std::move(other)), *this; }
  Option& as_size() { return is_size = true, *this; }
  Option& required() { return is_required = true, *this; }
  Option& sets(bool value) { return flag_value = value, *this; }
};

class OptionSet {
 public:
  /// `variable` outlives the set; its value is the default. A bool is a flag.
  template <class T>
  Option& add(std::string name, T& variable, std::string help) {
    auto& option = options_.emplace_back();
    option.name = std::move(name);
    option.target = &variable;
    option.help = std::move(help);
    return option;
  }
  /// A value by its name.
  template <class Enum>
  Option& add_choice(std::string name, Enum& variable, const std::map<std::string, Enum>& values, std::string help) {
    auto& option = options_.emplace_back();
    option.name = std::move(name);
    option.target = [&variable, values](const std::string& text) { variable = values.at(text); };
    option.help = std::move(help);
    for (const auto& [text, value] : values) option.names.push_back(text);
    return option;
  }

  /// `take` is given the value, or a list of all values.
  template <class Text>
  Option& add_function(std::string name, std::function<void(const Text&)> take, std::string help) {
    auto& option = options_.emplace_back();
    option.name = std::move(name);
    option.target = std::move(take);
    option.help = std::move(help);
    return option;
  }

  [[nodiscard]] const std::deque<Option>& options() const { return options_; }

 private:
  std::deque<Option> options_;  ///< does not move what add() has returned
};

}  // namespace paceline
