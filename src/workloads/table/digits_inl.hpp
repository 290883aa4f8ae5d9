// The values of digits, 16 of each field. Compiled once for each instruction set.

#if defined(PACELINE_TABLE_DIGITS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_TABLE_DIGITS_INL
#undef PACELINE_TABLE_DIGITS_INL
#else
#define PACELINE_TABLE_DIGITS_INL
#endif

#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace paceline::table::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;

/// 16 characters of one field, and of as many fields as vectors hold.
using Chars = hn::FixedTag<std::uint8_t, 16>;
#if HWY_HAVE_SCALABLE || HWY_MAX_BYTES < 32
using Wide = Chars;
#elif HWY_MAX_BYTES < 64
using Wide = hn::FixedTag<std::uint8_t, 32>;
#else
using Wide = hn::FixedTag<std::uint8_t, 64>;
#endif
template <class D>
constexpr std::size_t fields_of = hn::MaxLanes(D()) / 16;

/// One bit for each character.
template <class D>
HWY_INLINE std::uint64_t bits_of(D d, hn::Mask<D> mask) {
  std::uint8_t bits[8] = {};
  hn::StoreMaskBits(d, mask, bits);
  std::uint64_t joined = 0;
  std::memcpy(&joined, bits, sizeof joined);
  return joined;
}

/// 16 bytes from each address.
template <class D>
HWY_INLINE hn::Vec<D> load_fields(D d, const std::uint8_t* const* addresses, int offset) {
  if constexpr (fields_of<D> == 1) {
    return hn::LoadU(d, addresses[0] + offset);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_fields(half, addresses + fields_of<D> / 2, offset),
                       load_fields(half, addresses, offset));
  }
}

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

template <class D>
HWY_INLINE bool are_digits(D d, hn::Vec<D> values) {
  return hn::AllTrue(d, hn::Eq(hn::Min(values, hn::Set(d, 9)), values));
}

#endif

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
