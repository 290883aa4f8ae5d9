// The value of one field: nothing, an integer, a number, or text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace paceline::table {

/// What a field may be, and what a whole column is: the widest of its fields. In this order, each holds what is before
/// it, but for `nothing`, which any has a mark for.
enum class Kind : std::uint8_t { nothing, integer, real, text };

struct Number {
  Kind kind = Kind::text;
  bool is_negative_zero = false;  ///< "-0" is an integer that differs from the same number as a real
  std::int64_t integer = 0;
  double real = 0;
};

/// A number is an optional sign and digits, for reals with a point or an exponent; or "nan", "inf", "infinity" in any
/// case; spaces and tabs around it don't count. Integers beyond 64 bits are reals. Reals are the nearest double, which
/// beyond the largest is infinite. Anything else: Kind::text. Bytes
/// up to `limit` may be read.
Number parse_number(const char* begin, const char* end, const char* limit);
/// The same by the C library, for --verify and tests.
Number parse_number_reference(std::string_view field);

/// A field as it is written, without a carriage return at the end of its line.
struct Field {
  std::string_view inner;  ///< without its quotes
  bool is_quoted = false;
};
inline Field field_of(const char* begin, const char* end) {
  if (begin < end && *begin == '"') return {{begin + 1, static_cast<std::size_t>(end - begin - 2)}, true};
  return {{begin, static_cast<std::size_t>(end - begin)}, false};
}
/// Its text: two quotes are one.
std::string text_of(const Field& field);

/// First byte that is no valid UTF-8 (RFC 3629), or npos.
std::size_t invalid_utf8(std::string_view text);

}  // namespace paceline::table
