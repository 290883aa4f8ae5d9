// Compiled once for each instruction set.

#if defined(PACELINE_TABLE_PLAIN_NUMBERS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_TABLE_PLAIN_NUMBERS_INL
#undef PACELINE_TABLE_PLAIN_NUMBERS_INL
#else
#define PACELINE_TABLE_PLAIN_NUMBERS_INL
#endif

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

/// The digits that end before `end`, a point among them left out: places from `point` on are taken as they stand, those
/// before from one further back; 0 before place `first`.
HWY_INLINE Vector digits_before(const std::uint8_t* end, Vector places, int point, int first) {
  const Chars d;
  const auto here = hn::LoadU(d, end - 16), before = hn::LoadU(d, end - 17);
  const auto signed_d = hn::RebindToSigned<Chars>();
  const auto at = hn::BitCast(signed_d, places);
  const auto is_behind = hn::Gt(at, hn::Set(signed_d, static_cast<std::int8_t>(point)));
  const auto is_digit = hn::Gt(at, hn::Set(signed_d, static_cast<std::int8_t>(first - 1)));
  const auto chosen = hn::IfThenElse(hn::RebindMask(d, is_behind), here, before);
  return hn::IfThenElseZero(hn::RebindMask(d, is_digit), hn::Sub(chosen, hn::Set(d, '0')));
}

/// Which of 16 characters are digits, and which points.
struct Characters {
  std::uint32_t digits, points;
};
HWY_INLINE Characters characters_before(const std::uint8_t* end) {
  const Chars d;
  const auto text = hn::LoadU(d, end - 16);
  const auto above = hn::Sub(text, hn::Set(d, '0'));
  return {bits_of(hn::Eq(hn::Min(above, hn::Set(d, 9)), above)), bits_of(hn::Eq(text, hn::Set(d, '.')))};
}

template <Kind kind>
HWY_INLINE std::size_t take_all(const FieldRun& run, std::uint64_t* values) {
  HWY_ALIGN static constexpr std::uint8_t counted[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const auto places = hn::Load(Chars(), counted);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(run.bytes);
  for (std::size_t row = 0; row < run.ends.size(); ++row) {
    const auto* separator = run.positions + run.ends[row];
    const auto begin = separator[-1] + 1;
    auto stop = separator[0];
    if (HWY_UNLIKELY(stop < plain_room)) return row;
    if (run.ends_line) stop -= static_cast<std::uint32_t>(is_equal(bytes[stop - 1], '\r'));
    const auto* end = bytes + stop;
    const auto is_negative = is_equal(bytes[begin], '-');
    const auto length = static_cast<int>(stop - begin) - static_cast<int>(is_negative);
    if (HWY_UNLIKELY(length < 1 || length > longest_plain)) return row;

    // Bits and places count from 32 characters before the end.
    const auto mine = ~std::uint32_t{0} << (32 - length);
    const auto low = characters_before(end);
    auto digits = low.digits << 16, points = low.points << 16;
    const bool is_long = length > 16;
    if (is_long) {
      const auto high = characters_before(end - 16);
      digits |= high.digits;
      points |= high.points;
    }
    points &= mine;
    const int has_point = points != 0 ? 1 : 0;
    const bool is_plain = (mine & ~(digits | points)) == 0 && (points & (points - 1)) == 0 && length > has_point;
    if (HWY_UNLIKELY(!is_plain)) return row;
    const int point = has_point != 0 ? std::countr_zero(points) : -1;
    const int first = 32 - length + has_point;
    auto mantissa = value_of_16(digits_before(end, places, point - 16, first - 16));
    if (is_long) {
      if (has_point == 0 && length > 18) return row;
      mantissa += value_of_16(digits_before(end - 16, places, point, first)) * detail::tens[16];
    }

    if constexpr (kind == Kind::integer) {
      if (HWY_UNLIKELY(has_point != 0 || (is_negative != 0 && mantissa == 0))) return row;
      values[row] = (mantissa ^ (0 - is_negative)) + is_negative;
    } else {
      const int fraction = has_point != 0 ? 31 - point : 0;
      const auto size =
          is_long ? detail::long_scaled_down(mantissa, fraction) : detail::scaled_down(mantissa, fraction);
      values[row] = std::bit_cast<std::uint64_t>(size) | is_negative << 63;
    }
  }
  return run.ends.size();
}

HWY_ATTR inline std::size_t take(const FieldRun& run, Kind kind, std::uint64_t* values) {
  return kind == Kind::integer ? take_all<Kind::integer>(run, values) : take_all<Kind::real>(run, values);
}

#endif

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
