// The definition, word for word: what every other kernel is held against.
#include <cmath>

#include "workloads/fractal/kernel.hpp"

namespace paceline::fractal {
namespace {

std::uint64_t count_pixel(const KernelParams& params, double re, double im) {
  const double cx = params.formula == Formula::julia ? params.julia_re : re;
  const double cy = params.formula == Formula::julia ? params.julia_im : im;
  double x = re;
  double y = im;
  for (std::uint64_t i = 0; i < params.max_iter; ++i) {
    double twice_xy = x * y + x * y;
    if (params.formula == Formula::burning_ship) twice_xy = std::abs(twice_xy);
    const double next_x = (x * x - y * y) + cx;
    // conj(z)^2 has the imaginary part x*(-y) + (-y)*x, which is -(xy + xy) to the bit.
    y = params.formula == Formula::tricorn ? cy - twice_xy : twice_xy + cy;
    x = next_x;
    if (x * x + y * y > 4.0) return i;  // not a number is not outside, as in NumPy
  }
  return params.max_iter;
}

}  // namespace

template <class Count>
KernelWork count_block_reference(const KernelParams& params, std::span<const double> re, std::span<const double> im,
                                 std::span<Count> counts) {
  KernelWork work;
  for (std::size_t r = 0; r < im.size(); ++r) {
    for (std::size_t c = 0; c < re.size(); ++c) {
      const std::uint64_t n = count_pixel(params, re[c], im[r]);
      counts[r * re.size() + c] = static_cast<Count>(n);
      work.counted += n;
      work.executed += n < params.max_iter ? n + 1 : n;
    }
  }
  return work;
}

#define PACELINE_INSTANTIATE(Count)                                                              \
  template KernelWork count_block_reference<Count>(const KernelParams&, std::span<const double>, \
                                                   std::span<const double>, std::span<Count>);
PACELINE_INSTANTIATE(std::uint8_t)
PACELINE_INSTANTIATE(std::uint16_t)
PACELINE_INSTANTIATE(std::uint32_t)
PACELINE_INSTANTIATE(std::uint64_t)
#undef PACELINE_INSTANTIATE

}  // namespace paceline::fractal
