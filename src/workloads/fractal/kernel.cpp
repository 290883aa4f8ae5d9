// Which instruction set runs, and the public functions.

#include "host/simd_targets.hpp"

#define HWY_TARGET_INCLUDE "workloads/fractal/kernel.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/fractal/kernel_block_inl.hpp"

#if HWY_ONCE

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
  return HWY_DISPATCH_TABLE(count_all)[simd_index(target)](params, re, im, checked_sink(params, re, im, counts));
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
