// Numbers of a column as far as they are plain: the short ones together, each longer one by itself. Compiled once for
// each instruction set.

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
#include "workloads/table/digits_inl.hpp"
#include "workloads/table/plain_numbers.hpp"
#include "workloads/table/short_numbers_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::table::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

/// No vectors: all are left to parse_number().
inline std::size_t take(const FieldRun& /*run*/, Kind /*kind*/, std::uint64_t* /*values*/) { return 0; }

#else

/// 1 or 0. GCC's own comparison leaves the upper bytes of a register as the last number had them, and waits for it.
HWY_INLINE std::uint64_t is_equal(std::uint8_t a, std::uint8_t b) { return ((std::uint64_t{a} ^ b) - 1) >> 63; }

/// To be loaded from here + k: all bits in the last k places; k from -16 to 32.
alignas(64) inline constexpr auto place_masks = [] {
  std::array<std::uint8_t, 64> bytes{};
  for (std::size_t i = 32; i < bytes.size(); ++i) bytes[i] = 0xff;
  return bytes;
}();
HWY_INLINE const std::uint8_t* last_places(std::ptrdiff_t count) { return place_masks.data() + 16 + count; }

/// Digits of the 16 characters before each end, with a point before some of the last places left out: these are taken
/// as they stand, and those before from one further back; 0 but for the last `counted` places. Whatever is no digit is
/// above 9, a second point among it.
template <class D>
HWY_INLINE hn::Vec<D> digits_before(D d, const std::uint8_t* const* ends, const std::uint8_t* const* places,
                                    const std::uint8_t* const* counted) {
  const auto chosen =
      hn::IfVecThenElse(load_fields(d, places, 0), load_fields(d, ends, -16), load_fields(d, ends, -17));
  return hn::And(load_fields(d, counted, 0), hn::Sub(chosen, hn::Set(d, '0')));
}
template <class D>
HWY_INLINE std::uint32_t points_before(D d, const std::uint8_t* const* ends, std::uint8_t decimal) {
  return static_cast<std::uint32_t>(bits_of(d, hn::Eq(load_fields(d, ends, -16), hn::Set(d, decimal))));
}

/// A field without its sign. A length of 0: it can't be a plain number.
struct Unsigned {
  const std::uint8_t* end;
  int length;
  std::uint64_t is_negative;
};
HWY_INLINE Unsigned field_at(const std::uint8_t* bytes, const std::uint32_t* separator, bool ends_line) {
  const auto begin = separator[-1] + 1;
  auto stop = separator[0];
  if (HWY_UNLIKELY(stop < plain_room || begin == stop)) return {bytes, 0, 0};
  if (ends_line) stop -= static_cast<std::uint32_t>(is_equal(bytes[stop - 1], '\r'));
  const auto is_negative = is_equal(bytes[begin], '-');
  return {bytes + stop, static_cast<int>(stop - begin) - static_cast<int>(is_negative), is_negative};
}

/// As take(), of any length.
template <Kind kind>
HWY_INLINE std::size_t take_any(const FieldRun& run, std::size_t row, std::uint64_t* values) {
  const Chars d;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(run.bytes);
  const auto decimal = static_cast<std::uint8_t>(run.decimal);
  for (; row < run.ends.size(); ++row) {
    const auto field = field_at(bytes, run.positions + run.ends[row], run.ends_line);
    if (field.length < 1 || field.length > longest_plain) break;
    // Places count from 32 characters before the end.
    const bool is_long = field.length > 16;
    const auto* before = field.end - 16;
    auto points = points_before(d, &field.end, decimal) << 16;
    if (is_long) points |= points_before(d, &before, decimal);
    points &= ~std::uint32_t{0} << (32 - field.length);
    const int has_point = points != 0 ? 1 : 0;
    const int places = std::countl_zero(points);  // 32: there is no point
    const int count = field.length - has_point;
    const auto digits = [&](const std::uint8_t* end, int behind) {
      const auto* fraction = last_places(places - behind);
      const auto* counted = last_places(count - behind);
      return digits_before(d, &end, &fraction, &counted);
    };
    const auto low = digits(field.end, 0);
    if (count < 1 || !are_digits(d, low)) break;
    auto mantissa = value_of_16(low);
    if (is_long) {
      const auto high = digits(before, 16);
      if (!are_digits(d, high) || (has_point == 0 && count > 18)) break;
      mantissa += value_of_16(high) * detail::tens[16];
    }
    if constexpr (kind == Kind::integer) {
      if (has_point != 0 || field.is_negative > mantissa) break;
      values[row] = (mantissa ^ (0 - field.is_negative)) + field.is_negative;
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
