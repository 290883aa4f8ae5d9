// Which instruction set runs.

#include "host/simd_targets.hpp"

#define HWY_TARGET_INCLUDE "workloads/table/plain_numbers.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/table/plain_numbers_inl.hpp"

#if HWY_ONCE

#include "workloads/table/separators.hpp"

namespace paceline::table {
namespace {

HWY_EXPORT(take);

}  // namespace

TakePlainNumbers take_plain_numbers_on(std::int64_t target) { return HWY_DISPATCH_TABLE(take)[simd_index(target)]; }

std::size_t take_plain_numbers(const FieldRun& run, Kind kind, std::uint64_t* values) {
  static const auto best = take_plain_numbers_on(simd_targets().front());
  return best(run, kind, values);
}

}  // namespace paceline::table

#endif  // HWY_ONCE
