// Escape-time counts of a block of pixels, in IEEE double without fused rounding: the same bits on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/simd.hpp"

namespace paceline::fractal {

/// z -> z^2 + c, from z = c (mandelbrot, burning_ship, tricorn) or from z = pixel with a fixed c (julia).
/// burning_ship squares |re z| + i|im z|, tricorn the conjugate of z.
enum class Formula { mandelbrot, julia, burning_ship, tricorn };

/// skip: orbits that provably never escape are not followed to the end. plain: every iteration is computed.
/// The counts are the same.
enum class Interior { skip, plain };

struct KernelParams {
  Formula formula = Formula::mandelbrot;
  Interior interior = Interior::skip;
  std::uint64_t max_iter = 20;
  double julia_re = 0;  ///< c of julia; not read by the other formulas
  double julia_im = 0;
};

struct KernelWork {
  std::uint64_t counted = 0;   ///< sum of all counts written
  std::uint64_t executed = 0;  ///< iterations the lanes really stepped: the cost, for load balance
};

/// Writes counts[r * re.size() + c] for the pixel im[r], re[c]: the last iteration before z is first outside
/// (re^2 + im^2 > 4), max_iter if it never is. Count is uint8_t, uint16_t, uint32_t or uint64_t and holds max_iter.
/// Uses the machine's best instructions. Re-entrant; some 60 KiB of stack, no heap. Lanes are refilled from any row of
/// the block, so that blocks of many rows keep the lanes busier: 10,000 pixels and more are best. Throws
/// std::invalid_argument if the spans do not fit together or max_iter does not fit Count.
template <class Count>
KernelWork count_block(const KernelParams& params, std::span<const double> re, std::span<const double> im,
                       std::span<Count> counts);

/// The same by the definition, a pixel and an iteration at a time; ignores `interior`.
template <class Count>
KernelWork count_block_reference(const KernelParams& params, std::span<const double> re, std::span<const double> im,
                                 std::span<Count> counts);

/// count_block on one of simd_targets(), for tests and benches. Throws std::invalid_argument for any other.
template <class Count>
KernelWork count_block_on(std::int64_t target, const KernelParams& params, std::span<const double> re,
                          std::span<const double> im, std::span<Count> counts);

}  // namespace paceline::fractal
