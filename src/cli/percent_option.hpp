// Options whose value is a percentage, such as 5%.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>

#include "workloads/option_set.hpp"

namespace paceline {

/// "5%" -> 0.05, from above 0 % to 1000 %; nothing for another text.
inline std::optional<double> share_of(const std::string& text) {
  double percent = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), percent);
  const std::string rest(end, text.data() + text.size());
  if (code != std::errc() || rest != "%" || !(percent > 0) || !(percent <= 1000)) return std::nullopt;
  return percent / 100;
}

/// Declares the option; its share is given to `take`.
template <class Take>
void add_percent(OptionSet& options, const char* name, const char* text, const char* form, Take take) {
  options
      .add_function<std::string>(
          name, [take](const std::string& given) { take(*share_of(given)); }, text)
      .checked([](const std::string& given) {
        return share_of(given) ? std::string() : fmt::format("{} is not a percentage, like 5%", given);
      })
      .shown(form);
}

}  // namespace paceline
