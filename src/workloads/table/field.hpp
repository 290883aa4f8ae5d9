// The value of one field: nothing, an integer, a number, or text.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
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
namespace detail {

static_assert(std::endian::native == std::endian::little, "digits are taken from the low end of a word");

inline constexpr std::uint64_t small_powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
inline constexpr double small_reals[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};

/// How many of eight characters in front are digits.
inline int leading_digits(std::uint64_t word) {
  word ^= 0x3030303030303030U;
  const auto others = (((word & 0x7f7f7f7f7f7f7f7fU) + 0x7676767676767676U) | word) & 0x8080808080808080U;
  return std::countr_zero(others) / 8;
}

/// The value of 1 to 8 leading digits, by three multiplications (as in fast_float, Lemire 2021, "Number parsing at a
/// gigabyte per second").
inline std::uint64_t value_of_digits(std::uint64_t word, int digits) {
  word = (word ^ 0x3030303030303030U) << (64 - 8 * digits);
  word = word * 10 + (word >> 8);
  return (((word & 0x000000ff000000ffU) * 0x000f424000000064U) +
          (((word >> 16) & 0x000000ff000000ffU) * 0x0000271000000001U)) >>
         32;
}

}  // namespace detail

/// Most numbers: an optional minus, 1 to 8 digits and perhaps a point and 1 to 8 more; nearly without branches, since
/// lengths are hard to foretell. False: parse_number() must have a look. The real is mantissa / 10^places, both exact,
/// so that it is rounded once (Clinger 1990, "How to read floating point numbers accurately").
inline bool parse_plain_number(const char* begin, const char* end, const char* limit, Number& number) {
  if (limit - begin < 24) return false;
  const bool is_negative = *begin == '-';
  const auto* at = begin + (is_negative ? 1 : 0);
  std::uint64_t word = 0;
  std::memcpy(&word, at, 8);
  const int whole = detail::leading_digits(word);
  if (whole == 0) return false;
  auto mantissa = detail::value_of_digits(word, whole);
  at += whole;
  if (at == end) {
    const auto value = static_cast<std::int64_t>(mantissa);
    number = {Kind::integer, is_negative && value == 0, is_negative ? -value : value, 0};
    return true;
  }
  if (*at != '.') return false;
  std::memcpy(&word, at + 1, 8);
  const int places = detail::leading_digits(word);
  if (at + 1 + places != end || places == 0) return false;
  mantissa = mantissa * detail::small_powers[places] + detail::value_of_digits(word, places);
  if (mantissa > std::uint64_t{1} << 53) return false;
  const double size = static_cast<double>(static_cast<std::int64_t>(mantissa)) / detail::small_reals[places];
  number.kind = Kind::real;
  number.real = is_negative ? -size : size;
  return true;
}

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
