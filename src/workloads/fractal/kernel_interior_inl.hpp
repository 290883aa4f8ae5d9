// Points of the Mandelbrot set whose computed orbit provably never leaves: no need to follow it.
// Included once per instruction set, see kernel_step_inl.hpp.

#if defined(PACELINE_KERNEL_INTERIOR_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_KERNEL_INTERIOR_INL
#undef PACELINE_KERNEL_INTERIOR_INL
#else
#define PACELINE_KERNEL_INTERIOR_INL
#endif

#include "workloads/fractal/kernel_step_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::fractal {
namespace HWY_NAMESPACE {

// With q = |c - 1/4|^2 and a = re c - 1/4, the main cardioid is q(q + a) <= im^2/4, the disc of
// period 2 is |c + 1|^2 <= 1/16 (Devaney, An Introduction to Chaotic Dynamical Systems, 1.8). Both
// are taken smaller by a margin, because the computed orbit is not f's but a pseudo-orbit: each
// step is off by up to e < 10^-14 (7 roundings of numbers up to 8).
// Claim: where the multiplier m of the attracting cycle is at most 1 - t (t = 2^-12 in the
// cardioid, 2^-10 in the disc), such a pseudo-orbit of 0 stays in the filled Julia set, where |z|
// <= (1 + sqrt(1 + 4|c|))/2 < 1.8.
// Proof. Let U be the immediate basin of the cycle's point p (of f, or of f o f in the disc), and
// phi: U -> unit disc the Riemann map with phi(p) = 0. There f becomes the Blaschke product w (w +
// l)/(1 + conj(l) w), |l| = m, so that |w'| <= |w| (|w| + m)/(1 + m |w|); its critical point, the
// image of 0, has |w| = r0 = (1 - sqrt(1 - m^2))/m, and 1 - r0 >= sqrt(t). On |w| <= r, r = max(r0,
// 1/2), a step gains r - |w'| >= r (1 - r)(1 - m)/2. An error e in z moves w by at most e |phi'| <=
// e (1 + r)^3/((1 - r) R) by Koebe's distortion theorem, R = |1/phi'(p)| being at least the radius
// of a disc about p that f contracts: 1 - m for f, since |f(p + u) - p| = |u||u + 2p| and |2p| = m;
// (1 - m)/15 for f o f, whose Taylor coefficients at p beyond the first sum to less than 15. So |w|
// <= r is kept if 16 e <= r (1 - r)^2 (1 - m)^2, for which e <= t^3/32 suffices: e = 10^-14 needs t
// >= 7e-5; in the disc e is 6 times larger (two steps) and R 15 times smaller: 4e-4.
// The tests below are stricter. Cardioid: with c - 1/4 = s e^(ih), P = sin^2(h/2), q(q + a) -
// im^2/4 = -s^2 (P - s)(s + 1 - P) and 1 - m^2 = 4 sqrt(s)(sqrt(P) - sqrt(s)) >= 2 s^2 (P - s)(s +
// 1 - P), so a margin of 2^-12 gives 1 - m >= 2^-12. Disc: m = 4 |c + 1|. The rounding of the tests
// themselves (10^-15) is nothing to their margins.
inline constexpr double cardioid_margin = 1.0 / 4096;
inline constexpr double disc_radius = (1.0 - 1.0 / 1024) / 4.0;

HWY_INLINE M never_leaves(V cx, V cy) {
  const D d;
  const V yy = hn::Mul(cy, cy);
  const V a = hn::Sub(cx, hn::Set(d, 0.25));
  const V q = hn::Add(hn::Mul(a, a), yy);
  const V cardioid = hn::Sub(hn::Mul(q, hn::Add(q, a)), hn::Mul(yy, hn::Set(d, 0.25)));
  const V b = hn::Add(cx, hn::Set(d, 1.0));
  return hn::Or(hn::Le(cardioid, hn::Set(d, -cardioid_margin)),
                hn::Le(hn::Add(hn::Mul(b, b), yy), hn::Set(d, disc_radius * disc_radius)));
}

}  // namespace HWY_NAMESPACE
}  // namespace paceline::fractal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
