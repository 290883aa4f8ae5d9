// Compiled once for each instruction set.

#if defined(PACELINE_TABLE_PLAIN_NUMBERS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_TABLE_PLAIN_NUMBERS_INL
#undef PACELINE_TABLE_PLAIN_NUMBERS_INL
#else
#define PACELINE_TABLE_PLAIN_NUMBERS_INL
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "hwy/highway.h"
#include "workloads/table/plain_numbers.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::table::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

/// No vectors: all are left to parse_number().
inline std::size_t take(const FieldRun& /*run*/, Kind /*kind*/, std::uint64_t* /*values*/) { return 0; }

#else

namespace hn = hwy::HWY_NAMESPACE;

using Chars = hn::FixedTag<std::uint8_t, 16>;
using Vector = hn::Vec<Chars>;

/// One bit for each of 16 characters.
HWY_INLINE std::uint32_t bits_of(hn::Mask<Chars> mask) {
  std::uint8_t bits[8];
  hn::StoreMaskBits(Chars(), mask, bits);
  std::uint16_t joined = 0;
  std::memcpy(&joined, bits, sizeof joined);
  return joined;
}

/// 1 or 0. GCC's own comparison leaves the upper bytes of a register as the last number had them, and waits for it.
HWY_INLINE std::uint64_t is_equal(std::uint8_t a, std::uint8_t b) { return ((std::uint64_t{a} ^ b) - 1) >> 63; }

/// The value of 16 digits, each 0 to 9: pairs, fours and eights are joined, most significant first (as in simdjson).
HWY_INLINE std::uint64_t value_of_16(Vector digits) {
  const hn::FixedTag<std::uint16_t, 8> pairs;
  const hn::FixedTag<std::uint32_t, 4> fours;
  const hn::FixedTag<std::uint64_t, 2> eights;
  HWY_ALIGN static constexpr std::uint16_t hundreds[8] = {100, 1, 100, 1, 100, 1, 100, 1};
  const auto ones = hn::BitCast(pairs, digits);
  const auto two = hn::Add(hn::Mul(hn::And(ones, hn::Set(pairs, 0xff)), hn::Set(pairs, 10)), hn::ShiftRight<8>(ones));
  const auto apart = hn::BitCast(fours, hn::Mul(two, hn::Load(pairs, hundreds)));
  const auto four = hn::Add(hn::And(apart, hn::Set(fours, 0xffff)), hn::ShiftRight<16>(apart));
  const auto eight = hn::Add(hn::MulEven(four, hn::Set(fours, 10000)), hn::ShiftRight<32>(hn::BitCast(eights, four)));
  return hn::GetLane(eight) * 100000000 + hn::GetLane(hn::UpperHalf(hn::Half<decltype(eights)>(), eight));
}

/// Load from here + 32 - k for bytes that are all bits from place k on, for k from -16 to 32.
alignas(64) inline constexpr auto from_place = [] {
  std::array<std::uint8_t, 64> bytes{};
  for (std::size_t i = 32; i < bytes.size(); ++i) bytes[i] = 0xff;
  return bytes;
}();
HWY_INLINE Vector places_from(int place) { return hn::LoadU(Chars(), from_place.data() + 32 - place); }

/// The digits of the 16 characters before `end`, with a point just before place `fraction` left out: those from there
/// on are taken as they stand, those before from one further back; 0 before place `first`. Whatever is no digit is
/// above 9.
HWY_INLINE Vector digits_before(const std::uint8_t* end, int fraction, int first) {
  const Chars d;
  const auto chosen = hn::IfVecThenElse(places_from(fraction), hn::LoadU(d, end - 16), hn::LoadU(d, end - 17));
  return hn::And(places_from(first), hn::Sub(chosen, hn::Set(d, '0')));
}
HWY_INLINE bool are_digits(Vector values) {
  return hn::AllTrue(Chars(), hn::Eq(hn::Min(values, hn::Set(Chars(), 9)), values));
}
HWY_INLINE std::uint32_t points_before(const std::uint8_t* end) {
  return bits_of(hn::Eq(hn::LoadU(Chars(), end - 16), hn::Set(Chars(), '.')));
}

/// A field without its sign. A length of 0: it is none that could be plain.
struct Unsigned {
  const std::uint8_t* end;
  int length;
  std::uint64_t is_negative;
};
HWY_INLINE Unsigned field_at(const std::uint8_t* bytes, const std::uint32_t* separator, bool ends_line) {
  const auto begin = separator[-1] + 1;
  auto stop = separator[0];
  if (HWY_UNLIKELY(stop < plain_room)) return {bytes, 0, 0};
  if (ends_line) stop -= static_cast<std::uint32_t>(is_equal(bytes[stop - 1], '\r'));
  const auto is_negative = is_equal(bytes[begin], '-');
  return {bytes + stop, static_cast<int>(stop - begin) - static_cast<int>(is_negative), is_negative};
}

HWY_INLINE std::uint64_t with_sign(std::uint64_t size, std::uint64_t is_negative) {
  return (size ^ (0 - is_negative)) + is_negative;
}

/// 10^places; of 16 places, which stand for no point, 1.
inline constexpr double short_divisors[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                            1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e0};

/// As take(), up to a number of more than 16 characters, or of a size beyond exact doubles.
template <Kind kind>
HWY_INLINE std::size_t take_short(const FieldRun& run, std::uint64_t* values) {
  constexpr std::size_t block = 128;
  double divisors[block];
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(run.bytes);
  const auto* positions = run.positions;
  const auto ends = run.ends;
  const bool ends_line = run.ends_line;
  for (std::size_t begin = 0; begin < ends.size(); begin += block) {
    const auto rows = std::min(block, ends.size() - begin);
    std::size_t row = 0;
    // Divisions apart from this: so more numbers are under way at once, and several are divided together.
    for (; row < rows; ++row) {
      const auto field = field_at(bytes, positions + ends[begin + row], ends_line);
      if (field.length < 1 || field.length > 16) break;
      // Places count from 16 characters before the end.
      const auto points = points_before(field.end) & std::uint32_t{0xffff} << (16 - field.length);
      const int places = std::countl_zero(points << 16 | 0x8000);  // behind the last point, 16: there is none
      const int first = 16 - field.length + (points != 0 ? 1 : 0);
      const auto digits = digits_before(field.end, 16 - places, first);
      if (first > 15 || !are_digits(digits)) break;
      const auto mantissa = value_of_16(digits);
      // -0 is told apart only as a real.
      if (field.is_negative > mantissa) break;
      if (kind == Kind::integer ? points != 0 : mantissa > detail::exact_doubles) break;
      values[begin + row] = with_sign(mantissa, field.is_negative);
      divisors[row] = short_divisors[places];
    }
    if constexpr (kind == Kind::real) {
      for (std::size_t k = 0; k < row; ++k) {
        auto& value = values[begin + k];
        value = std::bit_cast<std::uint64_t>(static_cast<double>(static_cast<std::int64_t>(value)) / divisors[k]);
      }
    }
    if (row < rows) return begin + row;
  }
  return ends.size();
}

template <Kind kind>
HWY_INLINE std::size_t take_any(const FieldRun& run, std::size_t row, std::uint64_t* values) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(run.bytes);
  for (; row < run.ends.size(); ++row) {
    const auto field = field_at(bytes, run.positions + run.ends[row], run.ends_line);
    if (field.length < 1 || field.length > longest_plain) break;
    // Places count from 32 characters before the end.
    const bool is_long = field.length > 16;
    auto points = points_before(field.end) << 16;
    if (is_long) points |= points_before(field.end - 16);
    points &= ~std::uint32_t{0} << (32 - field.length);
    const int has_point = points != 0 ? 1 : 0;
    const int places = std::countl_zero(points);  // 32: there is no point
    const int first = 32 - field.length + has_point;
    const auto low = digits_before(field.end, 16 - places, first - 16);
    if (first > 31 || !are_digits(low)) break;
    auto mantissa = value_of_16(low);
    if (is_long) {
      const auto high = digits_before(field.end - 16, 32 - places, first);
      if (!are_digits(high) || (has_point == 0 && field.length > 18)) break;
      mantissa += value_of_16(high) * detail::tens[16];
    }
    if constexpr (kind == Kind::integer) {
      if (has_point != 0 || field.is_negative > mantissa) break;
      values[row] = with_sign(mantissa, field.is_negative);
    } else {
      const auto size = detail::long_scaled_down(mantissa, places & 31);
      values[row] = std::bit_cast<std::uint64_t>(size) | field.is_negative << 63;
    }
  }
  return row;
}

template <Kind kind>
HWY_INLINE std::size_t take_kind(const FieldRun& run, std::uint64_t* values) {
  return take_any<kind>(run, take_short<kind>(run, values), values);
}

HWY_ATTR inline std::size_t take(const FieldRun& run, Kind kind, std::uint64_t* values) {
  return kind == Kind::integer ? take_kind<Kind::integer>(run, values) : take_kind<Kind::real>(run, values);
}

#endif

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
