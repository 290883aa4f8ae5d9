// Compiled once for each instruction set. No operation is fused but where a product's exact error is asked for.

#if defined(PACELINE_ARRAY_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_ARRAY_KERNELS_INL
#undef PACELINE_ARRAY_KERNELS_INL
#else
#define PACELINE_ARRAY_KERNELS_INL
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "workloads/array/kernels.hpp"
#include "workloads/array/partial.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::array::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct Multiply {
  template <class V>
  HWY_INLINE V operator()(V x, V y) const {
    return hn::Mul(x, y);
  }
};
struct Add {
  template <class V>
  HWY_INLINE V operator()(V x, V y) const {
    return hn::Add(x, y);
  }
};
struct Triad {
  template <class V>
  HWY_INLINE V operator()(V x, V y) const {
    return hn::Add(x, hn::Mul(hn::Set(hn::DFromV<V>(), 3.0), y));
  }
};

/// Where both are NaN it is x that is passed on, whatever order the compiler gives the operands.
template <class V, class Op>
HWY_INLINE V one_of(const Op& op, V x, V y) {
  return hn::IfThenElse(hn::IsNaN(x), hn::Add(x, x), op(x, y));
}

/// Whole vectors, then one-lane vectors of the same function.
template <class Op>
HWY_INLINE void map(const Op& op, const double* HWY_RESTRICT x, const double* HWY_RESTRICT y, double* HWY_RESTRICT z,
                    std::size_t count) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  if (reinterpret_cast<std::uintptr_t>(z) % (lanes * sizeof(double)) == 0) {
    // The result is larger than the caches: written past them, it is not read first (4 transfers an element become 3).
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
      const auto z0 = one_of(op, hn::LoadU(d, x + i), hn::LoadU(d, y + i));
      const auto z1 = one_of(op, hn::LoadU(d, x + i + lanes), hn::LoadU(d, y + i + lanes));
      const auto z2 = one_of(op, hn::LoadU(d, x + i + 2 * lanes), hn::LoadU(d, y + i + 2 * lanes));
      const auto z3 = one_of(op, hn::LoadU(d, x + i + 3 * lanes), hn::LoadU(d, y + i + 3 * lanes));
      hn::Stream(z0, d, z + i);
      hn::Stream(z1, d, z + i + lanes);
      hn::Stream(z2, d, z + i + 2 * lanes);
      hn::Stream(z3, d, z + i + 3 * lanes);
    }
    hwy::FlushStream();
  }
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(one_of(op, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, z + i);
  }
  const hn::CappedTag<double, 1> one;
  for (; i < count; ++i) hn::StoreU(one_of(op, hn::LoadU(one, x + i), hn::LoadU(one, y + i)), one, z + i);
}

template <class Op>
void map_spans(std::span<const double> x, std::span<const double> y, std::span<double> z) {
  map(Op(), x.data(), y.data(), z.data(), std::min({x.size(), y.size(), z.size()}));
}

HWY_ATTR void multiply(std::span<const double> x, std::span<const double> y, std::span<double> z) {
  map_spans<Multiply>(x, y, z);
}
HWY_ATTR void add(std::span<const double> x, std::span<const double> y, std::span<double> z) {
  map_spans<Add>(x, y, z);
}
HWY_ATTR void triad(std::span<const double> x, std::span<const double> y, std::span<double> z) {
  map_spans<Triad>(x, y, z);
}

#if !HWY_HAVE_SCALABLE

using D = hn::CappedTag<double, sum_lanes>;
using V = hn::VFromD<D>;
constexpr std::size_t lanes_per_vector = hn::MaxLanes(D());
constexpr std::size_t vectors = sum_lanes / lanes_per_vector;

/// fma(x, y, -product): what the rounded product lacks, exactly.
HWY_INLINE V product_error(V x, V y, V product) {
#if HWY_NATIVE_FMA
  return hn::MulSub(x, y, product);
#else
  alignas(64) double a[lanes_per_vector], b[lanes_per_vector], p[lanes_per_vector];
  hn::Store(x, D(), a);
  hn::Store(y, D(), b);
  hn::Store(product, D(), p);
  for (std::size_t i = 0; i < lanes_per_vector; ++i) p[i] = std::fma(a[i], b[i], -p[i]);
  return hn::Load(D(), p);
#endif
}

/// a + b and a - b, rounded once like any sum, on the units that multiply: half of a step there leaves none idle, and
/// the memory stays the limit (on Zen 4 one core sums 31 GB/s instead of 26).
HWY_INLINE V plus(V a, V b) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, hn::Set(D(), 1.0), b);
#else
  return hn::Add(a, b);
#endif
}
HWY_INLINE V minus(V a, V b) {
#if HWY_NATIVE_FMA
  return hn::MulSub(a, hn::Set(D(), 1.0), b);
#else
  return hn::Sub(a, b);
#endif
}

struct Sum {
  HWY_INLINE void step(const double* x, const double* /*y*/, V& sum, V& error) const {
    add_to(hn::LoadU(D(), x), sum, error);
  }
  static HWY_INLINE void add_to(V value, V& sum, V& error) {
    const V next = hn::Add(sum, value);
    const V part = minus(next, sum);
    const V lost = plus(minus(sum, hn::Sub(next, part)), hn::Sub(value, part));
    error = hn::Add(error, lost);
    sum = next;
  }
};
struct Dot {
  HWY_INLINE void step(const double* x, const double* y, V& sum, V& error) const {
    const V a = hn::LoadU(D(), x);
    const V b = hn::LoadU(D(), y);
    const V product = hn::Mul(a, b);
    error = hn::Add(error, product_error(a, b, product));
    Sum::add_to(product, sum, error);
  }
};

/// The lanes of all vectors go on side by side: each step of one waits for its last one.
template <class Op>
HWY_INLINE void reduce(const Op& op, std::span<const double> x, std::span<const double> y, std::span<double> out) {
  V sum[vectors], error[vectors];
  for (std::size_t v = 0; v < vectors; ++v) sum[v] = error[v] = hn::Zero(D());
  const auto rows = [&](const double* a, const double* b, std::size_t count) HWY_ATTR {
    for (std::size_t i = 0; i < count; i += sum_lanes) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < vectors; ++v) {
        op.step(a + i + v * lanes_per_vector, b + i + v * lanes_per_vector, sum[v], error[v]);
      }
    }
  };
  const auto whole = x.size() / sum_lanes * sum_lanes;
  const double* second = y.empty() ? x.data() : y.data();
  rows(x.data(), second, whole);
  if (whole < x.size()) {
    double a[sum_lanes] = {}, b[sum_lanes] = {};
    std::copy(x.begin() + static_cast<std::ptrdiff_t>(whole), x.end(), a);
    std::copy(second + whole, second + x.size(), b);
    rows(a, b, sum_lanes);
  }
  alignas(64) double sums[sum_lanes], errors[sum_lanes];
  for (std::size_t v = 0; v < vectors; ++v) {
    hn::Store(sum[v], D(), sums + v * lanes_per_vector);
    hn::Store(error[v], D(), errors + v * lanes_per_vector);
  }
  const auto all = combined_lanes(sums, errors);
  out[0] = all.high;
  out[1] = all.low;
}

HWY_ATTR void sum(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  reduce(Sum(), x, y, out);
}
HWY_ATTR void dot(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  reduce(Dot(), x, y, out);
}

#else  // vectors of a size that is not known now can't be kept in arrays

HWY_ATTR void sum(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  sum_reference(x, y, out);
}
HWY_ATTR void dot(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  dot_reference(x, y, out);
}

#endif

}  // namespace paceline::array::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
