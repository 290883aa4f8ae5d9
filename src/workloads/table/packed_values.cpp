// Which instruction set runs.

// AVX3_DL adds nothing that this uses; without SSE4 a machine is older than 2008.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "workloads/table/packed_values.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/table/packed_values_inl.hpp"

#if HWY_ONCE

#include <algorithm>
#include <stdexcept>

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
  const auto known = simd_targets();
  if (std::find(known.begin(), known.end(), target) == known.end()) {
    throw std::invalid_argument("table: this machine has no such SIMD target");
  }
  hwy::ChosenTarget chosen;  // not Highway's global one: other threads go on as they were
  chosen.Update(target);
  return {HWY_DISPATCH_TABLE(pack)[chosen.GetIndex()], HWY_DISPATCH_TABLE(unpack)[chosen.GetIndex()]};
}

std::optional<int> pack(Kind kind, std::span<const std::uint64_t> values, std::int32_t* packed) {
  return best().pack(kind, values, packed);
}

void unpack(Kind kind, int places, std::span<const std::int32_t> packed, std::uint64_t* values) {
  best().unpack(kind, places, packed, values);
}

}  // namespace paceline::table

#endif  // HWY_ONCE
