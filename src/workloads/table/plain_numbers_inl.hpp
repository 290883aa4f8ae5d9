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

/// 16 characters of one field, and of two where vectors hold so many; more have too much to be put together.
using Chars = hn::FixedTag<std::uint8_t, 16>;
#if HWY_HAVE_SCALABLE || HWY_MAX_BYTES < 32
using Wide = Chars;
#else
using Wide = hn::FixedTag<std::uint8_t, 32>;
#endif
template <class D>
constexpr std::size_t fields_of = hn::MaxLanes(D()) / 16;

/// One bit for each character.
template <class D>
HWY_INLINE std::uint32_t bits_of(D d, hn::Mask<D> mask) {
  std::uint8_t bits[8] = {};
  hn::StoreMaskBits(d, mask, bits);
  std::uint32_t joined = 0;
  std::memcpy(&joined, bits, sizeof joined);
  return joined;
}

/// 16 bytes from each address.
template <class D>
HWY_INLINE hn::Vec<D> load_fields(D d, const std::uint8_t* const* addresses, int offset) {
  if constexpr (fields_of<D> == 1) {
    return hn::LoadU(d, addresses[0] + offset);
  } else {
    return hn::Combine(d, hn::LoadU(Chars(), addresses[1] + offset), hn::LoadU(Chars(), addresses[0] + offset));
  }
}

/// 1 or 0. GCC's own comparison leaves the upper bytes of a register as the last number had them, and waits for it.
HWY_INLINE std::uint64_t is_equal(std::uint8_t a, std::uint8_t b) { return ((std::uint64_t{a} ^ b) - 1) >> 63; }

/// The value of each 16 digits, 0 to 9, in the first of two lanes: pairs, fours and eights are joined, most significant
/// first (as in simdjson).
template <class D>
HWY_INLINE auto values_of_16(D /*d*/, hn::Vec<D> digits) {
  const hn::Repartition<std::uint16_t, D> pairs;
  const hn::Repartition<std::uint32_t, D> fours;
  const hn::Repartition<std::uint64_t, D> eights;
  const auto hundreds = hn::BitCast(pairs, hn::Set(fours, (1U << 16) | 100U));
  const auto ones = hn::BitCast(pairs, digits);
  const auto two = hn::Add(hn::Mul(hn::And(ones, hn::Set(pairs, 0xff)), hn::Set(pairs, 10)), hn::ShiftRight<8>(ones));
  const auto apart = hn::BitCast(fours, hn::Mul(two, hundreds));
  const auto four = hn::Add(hn::And(apart, hn::Set(fours, 0xffff)), hn::ShiftRight<16>(apart));
  const auto eight = hn::Add(hn::MulEven(four, hn::Set(fours, 10000)), hn::ShiftRight<32>(hn::BitCast(eights, four)));
  const auto sixteen = hn::MulEven(hn::BitCast(fours, eight), hn::Set(fours, 100000000));
  return hn::Add(sixteen, hn::DupOdd(eight));
}
HWY_INLINE std::uint64_t value_of_16(hn::Vec<Chars> digits) { return hn::GetLane(values_of_16(Chars(), digits)); }

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
HWY_INLINE bool are_digits(D d, hn::Vec<D> values) {
  return hn::AllTrue(d, hn::Eq(hn::Min(values, hn::Set(d, 9)), values));
}
template <class D>
HWY_INLINE std::uint32_t points_before(D d, const std::uint8_t* const* ends, std::uint8_t decimal) {
  return bits_of(d, hn::Eq(load_fields(d, ends, -16), hn::Set(d, decimal)));
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

/// 10^places; of 16 places, which stand for no point, 1.
inline constexpr double short_divisors[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                            1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e0};

/// Fields of up to 16 characters on their way to be numbers.
struct Fields {
  static constexpr std::size_t most = 128;
  const std::uint8_t* ends[most];
  std::uint32_t lengths[most];
  std::uint32_t masks[most];  ///< their characters, of those before the end
  std::uint64_t are_negative[most];
  std::uint64_t mantissas[most];
  double divisors[most];
};

/// Puts as many together as a vector holds. False: they are not all plain.
template <Kind kind, class D>
HWY_INLINE bool join_digits(D d, Fields& fields, std::size_t at, std::uint8_t decimal) {
  constexpr auto count = fields_of<D>;
  const auto all_points = points_before(d, fields.ends + at, decimal);
  const std::uint8_t* fractions[count];
  const std::uint8_t* counted[count];
  std::uint32_t is_plain = 1;
  for (std::size_t k = 0; k < count; ++k) {
    const auto points = all_points >> (16 * k) << 16 & fields.masks[at + k];
    const auto places = static_cast<std::uint32_t>(std::countl_zero(points | 0x8000));  // after it; 16: no point
    const auto digits = fields.lengths[at + k] - 1 + places / 16;
    fractions[k] = last_places(places);
    counted[k] = last_places(digits);
    fields.divisors[at + k] = short_divisors[places];
    is_plain &= digits != 0 ? 1 : 0;
    if (kind == Kind::integer) is_plain &= places / 16;
  }
  const auto digits = digits_before(d, fields.ends + at, fractions, counted);
  if (HWY_UNLIKELY(is_plain == 0 || !are_digits(d, digits))) return false;
  const auto values = values_of_16(d, digits);
  if constexpr (count == 1) {
    fields.mantissas[at] = hn::GetLane(values);
  } else {
    const hn::Repartition<std::uint64_t, D> lanes;
    const hn::Half<decltype(lanes)> half;
    hn::StoreU(hn::LowerHalf(half, hn::ConcatEven(lanes, values, values)), half, fields.mantissas + at);
  }
  return true;
}

/// As take(), up to a number of more than 16 characters, or of a size beyond exact doubles. In steps, so that many
/// numbers are under way at once, and several are divided together.
template <Kind kind>
HWY_INLINE std::size_t take_short(const FieldRun& run, std::uint64_t* values) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(run.bytes);
  const auto* positions = run.positions;
  const bool ends_line = run.ends_line;
  const auto decimal = static_cast<std::uint8_t>(run.decimal);
  Fields fields;
  for (std::size_t begin = 0; begin < run.ends.size(); begin += Fields::most) {
    const auto all = std::min(Fields::most, run.ends.size() - begin);
    std::size_t found = 0;
    for (; found < all; ++found) {
      const auto field = field_at(bytes, positions + run.ends[begin + found], ends_line);
      if (field.length < 1 || field.length > 16) break;
      fields.ends[found] = field.end;
      fields.lengths[found] = static_cast<std::uint32_t>(field.length);
      fields.masks[found] = ~std::uint32_t{0} << (32 - field.length);
      fields.are_negative[found] = field.is_negative;
    }
    std::size_t joined = 0;
    while (joined + fields_of<Wide> <= found && join_digits<kind>(Wide(), fields, joined, decimal))
      joined += fields_of<Wide>;
    while (joined < found && join_digits<kind>(Chars(), fields, joined, decimal)) ++joined;
    std::size_t good = 0;
    for (; good < joined; ++good) {
      const auto mantissa = fields.mantissas[good];
      // -0 is told apart only as a real.
      if (kind == Kind::integer ? fields.are_negative[good] > mantissa : mantissa > detail::exact_doubles) break;
    }
    for (std::size_t k = 0; k < good; ++k) {
      const auto mantissa = fields.mantissas[k];
      const auto is_negative = fields.are_negative[k];
      if constexpr (kind == Kind::integer) {
        values[begin + k] = (mantissa ^ (0 - is_negative)) + is_negative;
      } else {
        const auto size = static_cast<double>(static_cast<std::int64_t>(mantissa)) / fields.divisors[k];
        values[begin + k] = std::bit_cast<std::uint64_t>(size) | is_negative << 63;
      }
    }
    if (good < all) return begin + good;
  }
  return run.ends.size();
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
