// Numbers of up to 16 characters, each step for many of them at once. Compiled once for each instruction set.

#if defined(PACELINE_TABLE_SHORT_NUMBERS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_TABLE_SHORT_NUMBERS_INL
#undef PACELINE_TABLE_SHORT_NUMBERS_INL
#else
#define PACELINE_TABLE_SHORT_NUMBERS_INL
#endif

#include <algorithm>
#include <array>
#include <cstring>

#include "hwy/highway.h"
#include "workloads/table/digits_inl.hpp"
#include "workloads/table/plain_numbers.hpp"
#include "workloads/table/quotients_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::table::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

/// Which characters of the last 16 are the digits of a number: of a number that has `count` of them, `places` behind
/// its point (16: it has none), at (17 * places + count) * 16. 0x80: none, so a zero.
alignas(64) inline constexpr auto digit_places = [] {
  std::array<std::uint8_t, 17 * 17 * 16> bytes{};
  for (std::size_t places = 0; places <= 16; ++places) {
    for (std::size_t count = 0; count <= 16; ++count) {
      for (std::size_t i = 0; i < 16; ++i) {
        const auto from_end = 15 - i;
        const auto from = from_end < places ? i : i - 1;
        const bool is_there = from_end < count && from < 16;
        bytes[(17 * places + count) * 16 + i] = static_cast<std::uint8_t>(is_there ? from : 0x80);
      }
    }
  }
  return bytes;
}();

/// 10^places, of places from 0 to 15, and what is nearest to its reciprocal.
alignas(64) inline constexpr double short_divisors[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                        1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
alignas(64) inline constexpr auto short_reciprocals = [] {
  std::array<double, 16> reciprocals{};
  for (std::size_t k = 0; k < 16; ++k) reciprocals[k] = 1 / short_divisors[k];
  return reciprocals;
}();

/// Fields of up to 16 characters on their way to be numbers, each step for many at once.
struct Fields {
  static constexpr std::size_t most = 128;
  std::uint32_t ends[most];  ///< behind the last character
  std::uint32_t lengths[most];
  std::uint32_t are_negative[most];
  std::uint8_t chars[16 * most];  ///< the last 16 of each
  std::uint16_t points[most];     ///< one bit for each of these
  std::uint16_t minuses[most];
  std::uint32_t places[most];    ///< digits behind the point; 16: no point
  std::uint32_t controls[most];  ///< where its digit_places are
  std::uint64_t mantissas[most];
};

using Counts = hn::CappedTag<std::uint32_t, 16>;
using Offsets = hn::RebindToSigned<Counts>;

/// Finds `wanted` fields, which are whole vectors, up to one that can't be a short plain number; gives how many.
HWY_INLINE std::size_t find_fields(const FieldRun& run, std::size_t begin, std::size_t wanted, Fields& fields) {
  const Counts d;
  const Offsets offsets;
  const auto* words = reinterpret_cast<const std::int32_t*>(run.bytes);
  const auto one = hn::Set(d, 1);
  for (std::size_t at = 0; at < wanted; at += hn::Lanes(d)) {
    alignas(64) std::uint64_t pairs[hn::MaxLanes(d)];
    for (std::size_t k = 0; k < hn::MaxLanes(d); ++k) {
      std::memcpy(&pairs[k], run.positions + run.ends[begin + at + k] - 1, 8);
    }
    const auto* halves = reinterpret_cast<const std::uint32_t*>(pairs);
    const auto low = hn::Load(d, halves), high = hn::Load(d, halves + hn::MaxLanes(d));
    auto stop = hn::ConcatOdd(d, high, low);
    const auto first = hn::Add(hn::ConcatEven(d, high, low), one);
    const auto has_room = hn::Gt(stop, hn::Set(d, plain_room - 1));
    if (run.ends_line) {
      // The four bytes before the end, of which the last counts.
      const auto offset = hn::Max(hn::Sub(hn::BitCast(offsets, stop), hn::Set(offsets, 4)), hn::Zero(offsets));
      const auto last = hn::ShiftRight<24>(hn::BitCast(d, hn::GatherOffset(offsets, words, offset)));
      stop = hn::Sub(stop, hn::IfThenElseZero(hn::Eq(last, hn::Set(d, '\r')), one));
    }
    const auto length = hn::Sub(stop, first);
    const auto is_short = hn::And(has_room, hn::Lt(hn::Sub(length, one), hn::Set(d, 16)));
    hn::StoreU(stop, d, fields.ends + at);
    // Any length that has a place in the table, for those that are not taken.
    hn::StoreU(hn::IfThenElse(is_short, length, one), d, fields.lengths + at);
    if (HWY_UNLIKELY(!hn::AllTrue(d, is_short))) {
      return at + static_cast<std::size_t>(hn::FindFirstTrue(d, hn::Not(is_short)));
    }
  }
  return wanted;
}

/// Signs and the places of points, and so which characters are digits. Gives how many fields are plain.
template <Kind kind>
HWY_INLINE std::size_t find_points(std::size_t found, Fields& fields) {
  const Counts d;
  const Offsets offsets;
  const hn::Rebind<std::uint16_t, Counts> halves;
  const hn::Rebind<float, Counts> floats;
  for (std::size_t at = 0; at < found; at += hn::Lanes(d)) {
    const auto one = hn::Set(d, 1);
    const auto before = hn::Sub(hn::Set(d, 16), hn::LoadU(d, fields.lengths + at));  // characters of other fields
    const auto first = hn::Shl(one, before);
    const auto minuses = hn::PromoteTo(d, hn::LoadU(halves, fields.minuses + at));
    const auto is_negative = hn::IfThenElseZero(hn::Ne(hn::And(minuses, first), hn::Zero(d)), one);
    const auto length = hn::Sub(hn::LoadU(d, fields.lengths + at), is_negative);
    const auto points =
        hn::And(hn::PromoteTo(d, hn::LoadU(halves, fields.points + at)), hn::Sub(hn::Set(d, 0x10000), first));
    // The highest of 17 bits, of which the lowest is always set, by the exponent of a number.
    const auto bits = hn::BitCast(offsets, hn::Add(hn::Add(points, points), one));
    const auto highest = hn::Sub(hn::ShiftRight<23>(hn::BitCast(d, hn::ConvertTo(floats, bits))), hn::Set(d, 127));
    const auto places = hn::Sub(hn::Set(d, 16), highest);
    const auto has_none = hn::Eq(highest, hn::Zero(d));
    const auto digits = hn::Sub(length, hn::IfThenZeroElse(has_none, one));
    hn::StoreU(is_negative, d, fields.are_negative + at);
    hn::StoreU(places, d, fields.places + at);
    // 17 * places + digits, a line of 16 bytes each.
    hn::StoreU(hn::ShiftLeft<4>(hn::Add(hn::Add(hn::ShiftLeft<4>(places), places), digits)), d, fields.controls + at);
    auto is_plain = hn::Ne(digits, hn::Zero(d));
    if constexpr (kind == Kind::integer) is_plain = hn::And(is_plain, has_none);
    if (HWY_UNLIKELY(!hn::AllTrue(d, is_plain))) {
      return std::min(found, at + static_cast<std::size_t>(hn::FindFirstTrue(d, hn::Not(is_plain))));
    }
  }
  return found;
}

/// The digits of as many fields as a vector holds.
template <class D>
HWY_INLINE hn::Vec<D> digits_at(D d, const Fields& fields, std::size_t at) {
  const std::uint8_t* controls[fields_of<D>];
  for (std::size_t k = 0; k < fields_of<D>; ++k) controls[k] = digit_places.data() + fields.controls[at + k];
  const auto values = hn::Sub(hn::LoadU(d, fields.chars + 16 * at), hn::Set(d, '0'));
  return hn::TableLookupBytesOr0(values, load_fields(d, controls, 0));
}

/// Puts digits together, whole vectors of fields. Gives how many fields have digits alone.
HWY_INLINE std::size_t join_digits(std::size_t found, Fields& fields) {
  const Wide d;
  constexpr auto count = fields_of<Wide>;
  auto largest = hn::Zero(d);
  for (std::size_t at = 0; at < found; at += count) {
    const auto digits = digits_at(d, fields, at);
    largest = hn::Max(largest, digits);
    const auto values = values_of_16(d, digits);
    if constexpr (count == 1) {
      fields.mantissas[at] = hn::GetLane(values);
    } else {
      const hn::Repartition<std::uint64_t, Wide> lanes;
      const hn::Half<decltype(lanes)> half;
      hn::StoreU(hn::LowerHalf(half, hn::ConcatEven(lanes, values, values)), half, fields.mantissas + at);
    }
  }
  if (HWY_LIKELY(are_digits(d, largest))) return found;
  for (std::size_t at = 0; at < found; ++at) {
    if (!are_digits(Chars(), digits_at(Chars(), fields, at))) return at;
  }
  return found;
}

/// An entry of 16 for each of places from 0 to 16, where 16, no point, is as 0.
template <class D, class I>
HWY_INLINE hn::Vec<D> of_places(D d, const double* table, hn::Vec<I> places) {
  const I counts;
  if constexpr (hn::MaxLanes(D()) == 8) {
    const auto low = hn::IndicesFromVec(d, hn::And(places, hn::Set(counts, 7)));
    const auto is_high = hn::Ne(hn::And(places, hn::Set(counts, 8)), hn::Zero(counts));
    return hn::IfThenElse(hn::RebindMask(d, is_high), hn::TableLookupLanes(hn::Load(d, table + 8), low),
                          hn::TableLookupLanes(hn::Load(d, table), low));
  } else {
    return hn::GatherIndex(d, table, hn::And(places, hn::Set(counts, 15)));
  }
}

/// Turns the joined digits into values. Gives how many fields come before the first that is left to other code: -0 as
/// an integer, or a mantissa that no double holds exactly.
template <Kind kind>
HWY_INLINE std::size_t put_values(std::size_t joined, const Fields& fields, std::uint64_t* values) {
  const hn::CappedTag<std::int64_t, 8> d;
  const hn::RebindToFloat<decltype(d)> reals;
  const hn::Rebind<std::int32_t, decltype(d)> counts;
  const auto load = [&](const std::uint32_t* from) {
    return hn::PromoteTo(d, hn::LoadU(counts, reinterpret_cast<const std::int32_t*>(from)));
  };
  // What -0 or too large a mantissa has in a bit of its own.
  constexpr auto beyond = static_cast<std::int64_t>(detail::exact_doubles);
  auto left = hn::Zero(d);
  for (std::size_t at = 0; at < joined; at += hn::Lanes(d)) {
    const auto mantissas = hn::LoadU(d, reinterpret_cast<const std::int64_t*>(fields.mantissas + at));
    const auto are_negative = load(fields.are_negative + at);
    auto bits = mantissas;
    if constexpr (kind == Kind::integer) {
      left = hn::Or(left, hn::Sub(mantissas, are_negative));
      bits = hn::Add(hn::Xor(mantissas, hn::Neg(are_negative)), are_negative);
    } else {
      left = hn::Or(left, hn::Add(mantissas, hn::Set(d, beyond - 1)));
      const auto places = load(fields.places + at);
      const auto sizes = quotients(reals, hn::ConvertTo(reals, mantissas),
                                   of_places<decltype(reals), decltype(d)>(reals, short_divisors, places),
                                   of_places<decltype(reals), decltype(d)>(reals, short_reciprocals.data(), places));
      bits = hn::Or(hn::BitCast(d, sizes), hn::ShiftLeft<63>(are_negative));
    }
    hn::StoreU(bits, d, reinterpret_cast<std::int64_t*>(values + at));
  }
  const auto flag = kind == Kind::integer ? std::int64_t{1} << 63 : 2 * beyond;
  if (HWY_LIKELY(hn::AllTrue(d, hn::Eq(hn::And(left, hn::Set(d, flag)), hn::Zero(d))))) return joined;
  for (std::size_t k = 0; k < joined; ++k) {
    const auto mantissa = fields.mantissas[k];
    const bool is_left = kind == Kind::integer ? fields.are_negative[k] > mantissa : mantissa > detail::exact_doubles;
    if (is_left) return k;
  }
  return joined;
}

/// As take(), up to a number of more than 16 characters, or of a size beyond exact doubles, or to the last few that
/// fill no vector.
template <Kind kind>
HWY_INLINE std::size_t take_short(const FieldRun& run, std::uint64_t* values) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(run.bytes);
  const auto decimal = static_cast<std::uint8_t>(run.decimal);
  const auto whole = run.ends.size() / hn::Lanes(Counts()) * hn::Lanes(Counts());
  // Offsets of gathers have a sign.
  if (whole == 0 || run.positions[run.ends[whole - 1]] > std::uint32_t{0x7fffffff}) return 0;
  alignas(64) Fields fields;
  for (std::size_t begin = 0; begin < whole; begin += Fields::most) {
    const auto all = std::min(Fields::most, whole - begin);
    const auto found = find_fields(run, begin, all, fields);
    constexpr auto count = fields_of<Wide>;
    for (std::size_t at = 0; at < found; at += count) {
      const Wide d;
      const std::uint8_t* ends[count];
      // Of those beyond, any.
      for (std::size_t k = 0; k < count; ++k) ends[k] = bytes + fields.ends[at + k < found ? at + k : at];
      const auto chars = load_fields(d, ends, -16);
      hn::StoreU(chars, d, fields.chars + 16 * at);
      const auto points = bits_of(d, hn::Eq(chars, hn::Set(d, decimal)));
      std::memcpy(fields.points + at, &points, 2 * count);
      const auto minuses = bits_of(d, hn::Eq(chars, hn::Set(d, '-')));
      std::memcpy(fields.minuses + at, &minuses, 2 * count);
    }
    const auto joined = join_digits(find_points<kind>(found, fields), fields);
    const auto good = put_values<kind>(joined, fields, values + begin);
    if (good < all) return begin + good;
  }
  return whole;
}

#endif

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
