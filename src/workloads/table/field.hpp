// The value of one field: nothing, an integer, a number, or text.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace paceline::table {

/// What a field may be, and what a whole column is: the widest of its fields. In this order, each holds what is before
/// it, but for `nothing`, which any has a mark for, and for negative integers, which `natural` has not.
enum class Kind : std::uint8_t {
  nothing,
  integer,  ///< from -2^63 to 2^63 - 1
  natural,  ///< up to 2^64 - 1; one field is natural only from 2^63 on
  real,
  text
};

struct Number {
  Kind kind = Kind::text;
  bool is_negative_zero = false;  ///< "-0" is an integer that differs from the same number as a real
  std::int64_t integer = 0;       ///< of a natural, its bits
  double real = 0;
};
/// A number as a real, rounded to nearest.
inline double real_of(const Number& number) {
  if (number.kind == Kind::real) return number.real;
  if (number.kind == Kind::natural) return static_cast<double>(static_cast<std::uint64_t>(number.integer));
  return number.is_negative_zero ? -0.0 : static_cast<double>(number.integer);
}

/// A number is an optional sign and digits, for reals with a point or an exponent; or "nan", "inf", "infinity" in any
/// case; spaces and tabs around it don't count. Integers beyond 64 bits are reals. Reals are the nearest double, which
/// beyond the largest is infinite. Anything else: Kind::text. Bytes up to `limit` may be read.
Number parse_number(const char* begin, const char* end, const char* limit, char decimal = '.');
/// A value as it is kept, its bits, as a real.
inline double real_of_bits(Kind kind, std::uint64_t value) {
  if (kind == Kind::real) return std::bit_cast<double>(value);
  return kind == Kind::natural ? static_cast<double>(value) : static_cast<double>(static_cast<std::int64_t>(value));
}

namespace detail {

static_assert(std::endian::native == std::endian::little, "digits are taken from the low end of a word");

inline constexpr std::uint64_t tens[] = {1ULL,
                                         10ULL,
                                         100ULL,
                                         1000ULL,
                                         10000ULL,
                                         100000ULL,
                                         1000000ULL,
                                         10000000ULL,
                                         100000000ULL,
                                         1000000000ULL,
                                         10000000000ULL,
                                         100000000000ULL,
                                         1000000000000ULL,
                                         10000000000000ULL,
                                         100000000000000ULL,
                                         1000000000000000ULL,
                                         10000000000000000ULL,
                                         100000000000000000ULL,
                                         1000000000000000000ULL,
                                         10000000000000000000ULL};
inline constexpr double exact_tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
inline constexpr std::uint64_t exact_doubles = std::uint64_t{1} << 53;

inline constexpr int most_places = 19;

__extension__ using Wide = unsigned __int128;

/// 10^places as a divisor: times 2^up it has 62 bits; and floor(2^124 / that).
struct Divisor {
  std::uint64_t scaled, reciprocal;
  std::int64_t up;
};
constexpr auto divisors = [] {
  std::array<Divisor, most_places + 1> all{};
  Wide power = 1;
  for (auto& divisor : all) {
    auto scaled = power;
    while (scaled >= Wide{1} << 62) {
      scaled >>= 1;  // exact: 10^k is a multiple of 2^k
      --divisor.up;
    }
    while (scaled < Wide{1} << 61) {
      scaled <<= 1;
      ++divisor.up;
    }
    divisor.scaled = static_cast<std::uint64_t>(scaled);
    divisor.reciprocal = static_cast<std::uint64_t>((Wide{1} << 124) / scaled);
    power *= 10;
  }
  return all;
}();

/// The double nearest to mantissa / 10^places, for up to most_places, without a branch that depends on the digits.
///
/// With m, the mantissa scaled to 64 bits, and d, the scaled divisor, floor(m 2^60 / d) has 62 or 63 bits. If anything
/// follows them the last one is set, so that the conversion to 53 rounds as if it knew all. m times the reciprocal is
/// at most one less than this quotient, which the remainder tells; that is less than 2 d, so that its lowest 64 bits
/// are enough (Granlund and Montgomery 1994, "Division by invariant integers using multiplication").
inline double long_scaled_down(std::uint64_t mantissa, int places) {
  if (mantissa == 0) return 0;
  const auto& divisor = divisors[static_cast<std::size_t>(places)];
  const int up = std::countl_zero(mantissa);
  const auto scaled = mantissa << up;
  const auto estimate = static_cast<std::uint64_t>(Wide{scaled} * divisor.reciprocal >> 64);
  const auto excess = (scaled << 60) - estimate * divisor.scaled - divisor.scaled;
  const auto is_less = static_cast<std::uint64_t>(static_cast<std::int64_t>(excess) >> 63);  // all bits
  const auto rest = excess + (divisor.scaled & is_less);
  const auto quotient = (estimate + 1 + is_less) | ((rest | (0 - rest)) >> 63);
  const auto scale = static_cast<std::uint64_t>(1023 - 60 - up + divisor.up) << 52;
  return static_cast<double>(static_cast<std::int64_t>(quotient)) * std::bit_cast<double>(scale);
}

/// The same, quicker where both numbers are exact doubles: then a division of these rounds once (Clinger 1990, "How to
/// read floating point numbers accurately").
inline double scaled_down(std::uint64_t mantissa, int places) {
  if (mantissa > exact_doubles) return long_scaled_down(mantissa, places);
  return static_cast<double>(static_cast<std::int64_t>(mantissa)) / exact_tens[places];
}

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

/// The same by the C library, for --verify and tests.
Number parse_number_reference(std::string_view field, char decimal = '.');

/// A field as it is written, without a carriage return at the end of its line.
struct Field {
  std::string_view inner;  ///< without its quotes
  bool is_quoted = false;
};
inline Field field_of(const char* begin, const char* end, bool has_quotes = true) {
  if (has_quotes && begin < end && *begin == '"') return {{begin + 1, static_cast<std::size_t>(end - begin - 2)}, true};
  return {{begin, static_cast<std::size_t>(end - begin)}, false};
}
/// Its text: two quotes are one.
std::string text_of(const Field& field);
/// The same into memory that is used again.
void put_text(const Field& field, std::string& text);

/// First byte that is no valid UTF-8 (RFC 3629), or npos.
std::size_t invalid_utf8(std::string_view text);

}  // namespace paceline::table
