// Which instruction set runs, and the public functions.

// AVX3_DL adds nothing that these kernels use; without SSE4 a machine is older than 2008.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "workloads/fractal/kernel.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/fractal/kernel_block_inl.hpp"

#if HWY_ONCE

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace paceline::fractal {
namespace {

HWY_EXPORT(count_all);

template <class Count>
CountsSink checked_sink(const KernelParams& params, std::span<const double> re, std::span<const double> im,
                        std::span<Count> counts) {
  if (counts.size() != re.size() * im.size()) {
    throw std::invalid_argument("fractal kernel: counts must hold one element per pixel");
  }
  if (params.max_iter > std::numeric_limits<Count>::max()) {
    throw std::invalid_argument("fractal kernel: max_iter does not fit the counts");
  }
  return {counts.data(), sizeof(Count)};
}

}  // namespace

template <class Count>
KernelWork count_block(const KernelParams& params, std::span<const double> re, std::span<const double> im,
                       std::span<Count> counts) {
  return HWY_DYNAMIC_DISPATCH(count_all)(params, re, im, checked_sink(params, re, im, counts));
}

template <class Count>
KernelWork count_block_on(std::int64_t target, const KernelParams& params, std::span<const double> re,
                          std::span<const double> im, std::span<Count> counts) {
  const auto known = simd_targets();
  if (std::find(known.begin(), known.end(), target) == known.end()) {
    throw std::invalid_argument("fractal kernel: this machine has no such SIMD target");
  }
  hwy::ChosenTarget chosen;  // not Highway's global one: other threads go on as they were
  chosen.Update(target);
  return HWY_DISPATCH_TABLE(count_all)[chosen.GetIndex()](params, re, im, checked_sink(params, re, im, counts));
}

#define PACELINE_INSTANTIATE(Count)                                                                             \
  template KernelWork count_block<Count>(const KernelParams&, std::span<const double>, std::span<const double>, \
                                         std::span<Count>);                                                     \
  template KernelWork count_block_on<Count>(std::int64_t, const KernelParams&, std::span<const double>,         \
                                            std::span<const double>, std::span<Count>);
PACELINE_INSTANTIATE(std::uint8_t)
PACELINE_INSTANTIATE(std::uint16_t)
PACELINE_INSTANTIATE(std::uint32_t)
PACELINE_INSTANTIATE(std::uint64_t)
#undef PACELINE_INSTANTIATE

}  // namespace paceline::fractal

#endif  // HWY_ONCE
