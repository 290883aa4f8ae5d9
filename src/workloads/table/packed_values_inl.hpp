// Compiled once for each instruction set.

#if defined(PACELINE_TABLE_PACKED_VALUES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_TABLE_PACKED_VALUES_INL
#undef PACELINE_TABLE_PACKED_VALUES_INL
#else
#define PACELINE_TABLE_PACKED_VALUES_INL
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "hwy/highway.h"
#include "workloads/table/packed_values.hpp"
#include "workloads/table/quotients_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::table::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Integers = hn::CappedTag<std::int64_t, 8>;
using Reals = hn::RebindToFloat<Integers>;
using Narrow = hn::Rebind<std::int32_t, Integers>;

// Values that are packed at once, and then compared with the originals.
inline constexpr std::size_t pack_block = 1024;
// Values of a column that are looked at to find its power of ten.
inline constexpr std::size_t pack_samples = 32;
inline constexpr int most_packed_places = 9;

/// A number as the value that it stands for.
struct FromInteger {
  [[nodiscard]] HWY_INLINE hn::Vec<Integers> values(hn::Vec<Narrow> numbers) const {
    return hn::PromoteTo(Integers(), numbers);
  }
  [[nodiscard]] HWY_INLINE hn::Vec<Narrow> numbers(hn::Vec<Integers> values) const {
    const hn::RebindToUnsigned<Integers> bits;
    const hn::RebindToUnsigned<Narrow> low;
    return hn::BitCast(Narrow(), hn::TruncateTo(low, hn::BitCast(bits, values)));
  }
  [[nodiscard]] HWY_INLINE std::uint64_t value(std::int32_t number) const {
    return static_cast<std::uint64_t>(std::int64_t{number});
  }
  [[nodiscard]] HWY_INLINE std::int32_t number(std::uint64_t value) const { return static_cast<std::int32_t>(value); }
};
struct FromReal {
  HWY_INLINE explicit FromReal(int places) : divisor(detail::exact_tens[places]) {}
  [[nodiscard]] HWY_INLINE hn::Vec<Integers> values(hn::Vec<Narrow> numbers) const {
    const Reals d;
    const auto reals = quotients(d, hn::PromoteTo(d, numbers), hn::Set(d, divisor), hn::Set(d, 1 / divisor));
    return hn::BitCast(Integers(), reals);
  }
  [[nodiscard]] HWY_INLINE hn::Vec<Narrow> numbers(hn::Vec<Integers> values) const {
    const Reals d;
    return hn::DemoteTo(Narrow(), hn::Round(hn::Mul(hn::BitCast(d, values), hn::Set(d, divisor))));
  }
  [[nodiscard]] HWY_INLINE std::uint64_t value(std::int32_t number) const {
    return std::bit_cast<std::uint64_t>(number / divisor);
  }
  [[nodiscard]] HWY_INLINE std::int32_t number(std::uint64_t value) const {
    const auto scaled = std::bit_cast<double>(value) * divisor;
    constexpr double most = std::numeric_limits<std::int32_t>::max();
    return scaled >= -most && scaled <= most ? static_cast<std::int32_t>(std::nearbyint(scaled)) : 0;
  }
  double divisor;
};

/// False where some value is not the same again.
template <class From>
HWY_INLINE bool pack_as(const From& from, std::span<const std::uint64_t> values, std::int32_t* packed) {
  const Integers d;
  std::size_t at = 0;
  const auto whole = values.size() / hn::Lanes(d) * hn::Lanes(d);
  while (at < whole) {
    auto changed = hn::Zero(d);
    for (const auto end = std::min(whole, at + pack_block); at < end; at += hn::Lanes(d)) {
      const auto value = hn::LoadU(d, reinterpret_cast<const std::int64_t*>(values.data() + at));
      const auto number = from.numbers(value);
      hn::StoreU(number, Narrow(), packed + at);
      changed = hn::Or(changed, hn::Xor(value, from.values(number)));
    }
    if (!hn::AllTrue(d, hn::Eq(changed, hn::Zero(d)))) return false;
  }
  for (; at < values.size(); ++at) {
    packed[at] = from.number(values[at]);
    if (from.value(packed[at]) != values[at]) return false;
  }
  return true;
}

template <class From>
HWY_INLINE void unpack_as(const From& from, std::span<const std::int32_t> packed, std::uint64_t* values) {
  const Integers d;
  std::size_t at = 0;
  for (; at + hn::Lanes(d) <= packed.size(); at += hn::Lanes(d)) {
    const auto value = from.values(hn::LoadU(Narrow(), packed.data() + at));
    hn::StoreU(value, d, reinterpret_cast<std::int64_t*>(values + at));
  }
  for (; at < packed.size(); ++at) values[at] = from.value(packed[at]);
}

/// The smallest power of ten that does for some of the values.
HWY_INLINE std::optional<int> find_places(std::span<const std::uint64_t> values) {
  int places = 0;
  const auto step = std::max(std::size_t{1}, values.size() / pack_samples);
  for (std::size_t at = 0; at < values.size(); at += step) {
    while (FromReal(places).value(FromReal(places).number(values[at])) != values[at]) {
      if (++places > most_packed_places) return std::nullopt;
    }
  }
  return places;
}

HWY_ATTR inline std::optional<int> pack(Kind kind, std::span<const std::uint64_t> values, std::int32_t* packed) {
  std::optional<int> places = 0;
  if (kind == Kind::real) {
    places = find_places(values);
    if (places && !pack_as(FromReal(*places), values, packed)) places.reset();
  } else if (!pack_as(FromInteger(), values, packed)) {
    places.reset();
  }
  return places;
}

HWY_ATTR inline void unpack(Kind kind, int places, std::span<const std::int32_t> packed, std::uint64_t* values) {
  if (kind == Kind::real) return unpack_as(FromReal(places), packed, values);
  unpack_as(FromInteger(), packed, values);
}

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
