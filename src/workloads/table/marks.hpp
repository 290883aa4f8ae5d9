// What stands where a value is missing: a value that no other row of the column has.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace paceline::table {

/// Integers: the first of the 60 smallest that the column does not have.
inline constexpr int integer_marks = 60;
constexpr std::int64_t integer_mark(int k) { return std::numeric_limits<std::int64_t>::min() + k; }
constexpr std::int64_t marks_of(std::int64_t value) {
  const auto above = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(integer_mark(0));
  return above < integer_marks ? std::int64_t{1} << above : 0;
}

/// Naturals: the first of the 60 largest.
constexpr std::uint64_t natural_mark(int k) { return ~std::uint64_t{0} - static_cast<std::uint64_t>(k); }
constexpr std::int64_t marks_of(std::uint64_t value) {
  const auto below = natural_mark(0) - value;
  return below < integer_marks ? std::int64_t{1} << below : 0;
}

/// Texts: the first of these that the column does not have. None has a quote: as fields are written will do.
inline constexpr std::array<std::string_view, 8> text_marks = {"",     "NA",        "N/A",        "null",
                                                               "None", "(missing)", "(no value)", "(not given)"};
constexpr std::int64_t marks_of(std::string_view value) {
  // Nearly all have another size or another first character.
  constexpr std::size_t longest = 11;
  static_assert(std::ranges::all_of(text_marks, [](auto mark) { return mark.size() <= longest; }));
  const auto may_be_mark = value.empty() || value[0] == 'N' || value[0] == 'n' || value[0] == '(';
  if (!may_be_mark || value.size() > longest) return 0;
  for (std::size_t k = 0; k < text_marks.size(); ++k) {
    const auto mark = text_marks[k];
    if (value.size() != mark.size() || (!mark.empty() && value[0] != mark[0])) continue;
    if (value == mark) return std::int64_t{1} << k;
  }
  return 0;
}

}  // namespace paceline::table
