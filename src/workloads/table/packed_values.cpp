// Which instruction set runs.

#include "host/simd_targets.hpp"

#define HWY_TARGET_INCLUDE "workloads/table/packed_values.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/table/packed_values_inl.hpp"

#if HWY_ONCE

namespace paceline::table {
namespace {

HWY_EXPORT(pack);
HWY_EXPORT(unpack);

const Packing& best() {
  static const auto packing = packing_on(simd_targets().front());
  return packing;
}

}  // namespace

Packing packing_on(std::int64_t target) {
  const auto index = simd_index(target);
  return {HWY_DISPATCH_TABLE(pack)[index], HWY_DISPATCH_TABLE(unpack)[index]};
}

std::optional<int> pack(Kind kind, std::span<const std::uint64_t> values, std::int32_t* packed) {
  return best().pack(kind, values, packed);
}

void unpack(Kind kind, int places, std::span<const std::int32_t> packed, std::uint64_t* values) {
  best().unpack(kind, places, packed, values);
}

}  // namespace paceline::table

#endif  // HWY_ONCE
