// Compiled once for each instruction set.

#if defined(PACELINE_TABLE_QUOTIENTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_TABLE_QUOTIENTS_INL
#undef PACELINE_TABLE_QUOTIENTS_INL
#else
#define PACELINE_TABLE_QUOTIENTS_INL
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace paceline::table::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The doubles nearest to mantissas / divisors: whole numbers up to 2^53 by powers of ten up to 10^15, whose nearest
/// reciprocals are given, too.
///
/// A fused product has the exact rest of an estimate, which corrects it to within 2^-51 of its last place. No quotient
/// by 5^15 < 2^35 or less is nearer than 2^-36 of that to the middle of two doubles. (The method: Markstein 1990,
/// "Computation of elementary functions on the IBM RISC System/6000 processor".)
template <class D>
HWY_INLINE hn::Vec<D> quotients(D /*d*/, hn::Vec<D> mantissas, hn::Vec<D> divisors,
                                [[maybe_unused]] hn::Vec<D> reciprocals) {
#if HWY_NATIVE_FMA
  const auto estimates = hn::Mul(mantissas, reciprocals);
  return hn::MulAdd(hn::NegMulAdd(estimates, divisors, mantissas), reciprocals, estimates);
#else
  return hn::Div(mantissas, divisors);
#endif
}

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
