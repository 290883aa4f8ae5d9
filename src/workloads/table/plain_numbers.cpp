// Which instruction set runs.

// AVX3_DL adds nothing that this uses; without SSE4 a machine is older than 2008.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "workloads/table/plain_numbers.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/table/plain_numbers_inl.hpp"

#if HWY_ONCE

#include <algorithm>
#include <stdexcept>

#include "workloads/table/separators.hpp"

namespace paceline::table {
namespace {

HWY_EXPORT(take);

}  // namespace

TakePlainNumbers take_plain_numbers_on(std::int64_t target) {
  const auto known = simd_targets();
  if (std::find(known.begin(), known.end(), target) == known.end()) {
    throw std::invalid_argument("table: this machine has no such SIMD target");
  }
  hwy::ChosenTarget chosen;  // not Highway's global one: other threads go on as they were
  chosen.Update(target);
  return HWY_DISPATCH_TABLE(take)[chosen.GetIndex()];
}

std::size_t take_plain_numbers(const FieldRun& run, Kind kind, std::uint64_t* values) {
  static const auto best = take_plain_numbers_on(simd_targets().front());
  return best(run, kind, values);
}

}  // namespace paceline::table

#endif  // HWY_ONCE
