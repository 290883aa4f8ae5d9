// One iteration, and a group of orbits followed side by side, for the instruction set that is being compiled
// (Highway includes this file once for each). Nothing here is stored in arrays of vectors: SVE has none.

#if defined(PACELINE_KERNEL_STEP_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_KERNEL_STEP_INL
#undef PACELINE_KERNEL_STEP_INL
#else
#define PACELINE_KERNEL_STEP_INL
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

// Vectors in flight: an iteration is a chain of 3 operations (9 to 12 cycles) but only 2 to 5 cycles of work, so that
// 6 independent vectors keep the ports busy; x and y of 6 are 12 of the 16 registers that AVX2 and SSE have. With 7
// the lessons' image takes an eighth longer, since wider groups are less even; 1,000 iterations take 0.99 of the time.
#ifndef PACELINE_EACH
#define PACELINE_EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#endif

HWY_BEFORE_NAMESPACE();
namespace paceline::fractal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<double>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;
using VU = hn::Vec<DU>;
using M = hn::Mask<D>;

inline constexpr std::size_t vectors_in_flight = 6;
inline constexpr std::size_t max_group = vectors_in_flight * hn::MaxLanes(D());

// Without a test, 3 multiplications, 2 additions and 2xy + cy are an iteration. Fused in a third of the vectors, that
// last sum keeps adders and multipliers alike busy where they are ports of their own (Zen).
constexpr bool fused_untested(int vector) { return vector % 3 == 0; }

enum class Map { square, ship, tricorn };

// z -> f(z) + c, given x*x and y*y. 2*xy is exact, so that `fused` (one operation adds it to cy) gives the same bits,
// but where 2*xy overflows: not before the orbit is outside. Nothing else may be fused.
template <Map map, bool fused>
HWY_INLINE void step(V& x, V& y, V xx, V yy, V cx, V cy) {
  V xy = hn::Mul(x, y);
  if constexpr (map == Map::ship) xy = hn::Abs(xy);
  x = hn::Add(hn::Sub(xx, yy), cx);
  if constexpr (fused) {
    const V two = hn::Set(D(), 2.0);
    y = map == Map::tricorn ? hn::NegMulAdd(xy, two, cy) : hn::MulAdd(xy, two, cy);
  } else {
    const V twice = hn::Add(xy, xy);
    y = map == Map::tricorn ? hn::Sub(cy, twice) : hn::Add(twice, cy);
  }
}

template <Map map, bool fused>
HWY_INLINE void step(V& x, V& y, V cx, V cy) {
  step<map, fused>(x, y, hn::Mul(x, x), hn::Mul(y, y), cx, cy);
}

// n + 1 where m: a masked add where masks are registers of their own (AVX-512), else minus the mask, which is -1.
HWY_INLINE VU increment(VU n, M m) {
  const DU du;
#if HWY_TARGET == HWY_AVX3
  return hn::IfThenElse(hn::RebindMask(du, m), hn::Add(n, hn::Set(du, 1)), n);
#else
  return hn::Sub(n, hn::VecFromMask(du, hn::RebindMask(du, m)));
#endif
}

HWY_INLINE V magnitude(V x, V y) { return hn::Add(hn::Mul(x, x), hn::Mul(y, y)); }

// Orbits with |c|^2 <= 4 - 2^-20 never come back: outside once is outside for ever, so that a test at the end of some
// steps finds every orbit that left during them. Proof. Each of the maps has |f(z)| = |z|^2, so |z'| >= |z|^2 - |c|,
// and |c| <= 2 - 2^-23. If |z|^2 > 4, |z'| >= 2 + 2^-23 and |z'| grows from there on (|z|^2 - 2 - |z| > 0 for |z| > 2);
// a computed step is off by less than 2^-49 |z|^2, the test by less than 2^-51 |z|^2, which does not change it. When a
// component overflows, re becomes infinite or NaN one step later at most and stays so (a difference or sum with such an
// operand), and neither is `<= 4`. Hence "inside" is tested as `<= 4` here, where NaN comes after outside only.
inline constexpr double returns_never = 4.0 - 1.0 / (1 << 20);
// Julia's first z is any pixel; one that does not overflow at once.
inline constexpr double julia_start_limit = 1e100;

enum class Ending {
  mixed,
  all_same,    // every count is `untested`, and none was written; told only when guessed
  begin_again  // the guess was wrong, or some orbit left during the untested iterations: counts are of no use
};

// What a group is expected to do, from its neighbour. The first `untested` (>= 1) iterations are run without a test.
struct Guess {
  std::uint32_t untested = 1;
  bool all_leave_then = false;  // all orbits are inside after them, and (before `limit`) none an iteration later
};

// Follows the 6 vectors of orbits from (zx, zy) to iteration `limit` (or until all are outside) and writes how many
// iterations each was inside; (out_x, out_y), unless null, is z after `limit` iterations, for
// those that still are.
// Requires orbits that never come back. Returns the iterations executed per orbit.
template <Map map>
HWY_NOINLINE std::uint32_t follow_group(const double* HWY_RESTRICT zx, const double* HWY_RESTRICT zy,
                                        const double* HWY_RESTRICT cx, const double* HWY_RESTRICT cy,
                                        std::uint32_t limit, Guess guess, std::uint64_t* HWY_RESTRICT counts,
                                        double* HWY_RESTRICT out_x, double* HWY_RESTRICT out_y, Ending& ending) {
  const D d;
  const DU du;
  const std::size_t lanes = hn::Lanes(d);
  const V four = hn::Set(d, 4.0);
  const std::uint32_t untested = guess.untested;
#define PACELINE_LOAD(i)                 \
  V x##i = hn::LoadU(d, zx + i * lanes); \
  V y##i = hn::LoadU(d, zy + i * lanes);
#define PACELINE_CX(i) hn::LoadU(d, cx + i * lanes)
#define PACELINE_CY(i) hn::LoadU(d, cy + i * lanes)
  PACELINE_EACH(PACELINE_LOAD)
  for (std::uint32_t k = 0; k < untested; ++k) {
    // c is read from where it lies: else GCC copies it to the stack first, which costs a group as much as a step.
    std::atomic_signal_fence(std::memory_order_seq_cst);
#define PACELINE_STEP(i) step<map, fused_untested(i)>(x##i, y##i, PACELINE_CX(i), PACELINE_CY(i));
    PACELINE_EACH(PACELINE_STEP)
  }
  if (guess.all_leave_then) {
    M all = hn::FirstN(d, lanes);
#define PACELINE_INSIDE(i) all = hn::And(all, hn::Le(magnitude(x##i, y##i), four));
    PACELINE_EACH(PACELINE_INSIDE)
    ending = Ending::begin_again;
    if (!hn::AllTrue(d, all)) return untested;
    if (untested == limit) {
#define PACELINE_END(i)                   \
  hn::StoreU(x##i, d, out_x + i * lanes); \
  hn::StoreU(y##i, d, out_y + i * lanes);
      if (out_x != nullptr) {
        PACELINE_EACH(PACELINE_END)
      }
      ending = Ending::all_same;
      return limit;
    }
    M any = hn::FirstN(d, 0);
#define PACELINE_LEAVE(i)                                      \
  step<map, true>(x##i, y##i, PACELINE_CX(i), PACELINE_CY(i)); \
  any = hn::Or(any, hn::Le(magnitude(x##i, y##i), four));
    PACELINE_EACH(PACELINE_LEAVE)
    if (hn::AllFalse(d, any)) {
      ending = Ending::all_same;
      return untested + 1;
    }
  }
  // Iterations done; all orbits are known, or believed, to have been inside before.
  std::uint32_t k = untested + (guess.all_leave_then ? 1 : 0);
#define PACELINE_COUNT_FROM(i) hn::StoreU(hn::Set(du, k - 1), du, counts + i * lanes);
  PACELINE_EACH(PACELINE_COUNT_FROM)
  bool some = true;
  M inside = hn::FirstN(d, 0);
#define PACELINE_TEST_AND_STEP(i)                                        \
  {                                                                      \
    const V xx = hn::Mul(x##i, x##i);                                    \
    const V yy = hn::Mul(y##i, y##i);                                    \
    const M m = hn::Le(hn::Add(xx, yy), four);                           \
    const VU n = hn::LoadU(du, counts + i * lanes);                      \
    hn::StoreU(increment(n, m), du, counts + i * lanes);                 \
    step<map, true>(x##i, y##i, xx, yy, PACELINE_CX(i), PACELINE_CY(i)); \
    if (last) inside = hn::Or(inside, m);                                \
  }
  // The caller expects the first orbit to leave in the second iteration from here: not asked before the third.
  if (k < limit) {
    constexpr bool last = false;
    PACELINE_EACH(PACELINE_TEST_AND_STEP)
    ++k;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  while (k < limit) {
    inside = hn::FirstN(d, 0);
    if (k + 1 < limit) {
      constexpr bool last = false;
      PACELINE_EACH(PACELINE_TEST_AND_STEP)
      ++k;
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);  // else GCC keeps counts in registers and spills z
    constexpr bool last = true;
    PACELINE_EACH(PACELINE_TEST_AND_STEP)
    if (hn::AllFalse(d, inside)) {
      some = false;
      break;
    }
    ++k;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ending = Ending::mixed;
  if (some) {
#define PACELINE_TEST(i)                                 \
  {                                                      \
    const M m = hn::Le(magnitude(x##i, y##i), four);     \
    const VU n = hn::LoadU(du, counts + i * lanes);      \
    hn::StoreU(increment(n, m), du, counts + i * lanes); \
  }
    PACELINE_EACH(PACELINE_TEST)
    if (out_x != nullptr) {
      PACELINE_EACH(PACELINE_END)
    }
  }
  if (untested == 1 || guess.all_leave_then) return k;
  const VU too_early = hn::Set(du, untested - 1);
  auto early = hn::FirstN(du, 0);
#define PACELINE_EARLY(i) early = hn::Or(early, hn::Eq(hn::LoadU(du, counts + i * lanes), too_early));
  PACELINE_EACH(PACELINE_EARLY)
  if (!hn::AllFalse(du, early)) ending = Ending::begin_again;
  return k;
#undef PACELINE_LOAD
#undef PACELINE_CX
#undef PACELINE_CY
#undef PACELINE_STEP
#undef PACELINE_INSIDE
#undef PACELINE_END
#undef PACELINE_LEAVE
#undef PACELINE_COUNT_FROM
#undef PACELINE_TEST_AND_STEP
#undef PACELINE_TEST
#undef PACELINE_EARLY
}

// The same for any orbits, also those that leave and come back, are infinite or not a number: one vector, a test each
// iteration, once outside for ever outside. An orbit whose re is NaN stays so, and NaN is not outside.
template <Map map>
HWY_NOINLINE std::uint64_t follow_any(const double* HWY_RESTRICT zx, const double* HWY_RESTRICT zy,
                                      const double* HWY_RESTRICT cx, const double* HWY_RESTRICT cy, std::uint64_t limit,
                                      std::uint64_t* HWY_RESTRICT counts) {
  const D d;
  const DU du;
  const V four = hn::Set(d, 4.0);
  V x = hn::LoadU(d, zx);
  V y = hn::LoadU(d, zy);
  const V c_re = hn::LoadU(d, cx);
  const V c_im = hn::LoadU(d, cy);
  M inside = hn::FirstN(d, hn::Lanes(d));
  VU n = hn::Zero(du);
  std::uint64_t k = 0;
  while (k < limit) {
    ++k;
    step<map, false>(x, y, c_re, c_im);
    inside = hn::AndNot(hn::Gt(magnitude(x, y), four), inside);
    n = increment(n, inside);
    if (hn::AllFalse(d, hn::And(inside, hn::Eq(x, x)))) break;
  }
  n = hn::IfThenElse(hn::RebindMask(du, inside), hn::Set(du, limit), n);
  hn::StoreU(n, du, counts);
  return k;
}

}  // namespace HWY_NAMESPACE
}  // namespace paceline::fractal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
