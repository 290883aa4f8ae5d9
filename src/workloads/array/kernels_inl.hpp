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

/// A vector of lanes: their sums, and beside each its rounding errors.
template <class W>
struct Lanes {
  W sum, error;
};

struct Sum {
  static constexpr bool is_of_two = false;
  static HWY_INLINE void step(const double* x, const double* /*y*/, Lanes<V>& lanes) {
    add_to(hn::LoadU(D(), x), lanes);
  }
  static HWY_INLINE void add_to(V value, Lanes<V>& lanes) {
    const V next = hn::Add(lanes.sum, value);
    const V part = minus(next, lanes.sum);
    const V lost = plus(minus(lanes.sum, hn::Sub(next, part)), hn::Sub(value, part));
    lanes.error = hn::Add(lanes.error, lost);
    lanes.sum = next;
  }
};
struct Dot {
  static constexpr bool is_of_two = true;
  static HWY_INLINE void step(const double* x, const double* y, Lanes<V>& lanes) {
    const V a = hn::LoadU(D(), x);
    const V b = hn::LoadU(D(), y);
    const V product = hn::Mul(a, b);
    lanes.error = hn::Add(lanes.error, product_error(a, b, product));
    Sum::add_to(product, lanes);
  }
};

/// A row of sum_lanes elements in `count` vectors, a member each: GCC leaves some of an array's in memory.
template <std::size_t count>
struct Row {
  Lanes<V> first;
  Row<count - 1> others;

  template <class Op>
  HWY_INLINE void step(const double* x, const double* y) {
    Op::step(x, y, first);
    others.template step<Op>(x + lanes_per_vector, y + lanes_per_vector);
  }
  HWY_INLINE void clear() {
    first.sum = first.error = hn::Zero(D());
    others.clear();
  }
  HWY_INLINE void store(double* sums, double* errors) const {
    hn::Store(first.sum, D(), sums);
    hn::Store(first.error, D(), errors);
    others.store(sums + lanes_per_vector, errors + lanes_per_vector);
  }
};
template <>
struct Row<0> {
  template <class Op>
  HWY_INLINE void step(const double* /*x*/, const double* /*y*/) {}
  HWY_INLINE void clear() {}
  HWY_INLINE void store(double* /*sums*/, double* /*errors*/) const {}
};

template <class W>
HWY_INLINE Lanes<W> two_sums(W a, W b) {
  const W sum = hn::Add(a, b);
  const W part = hn::Sub(sum, a);
  return {sum, hn::Add(hn::Sub(a, hn::Sub(sum, part)), hn::Sub(b, part))};
}
template <class W>
HWY_INLINE Lanes<W> pairwise(Lanes<W> a, Lanes<W> b) {
  const auto sum = two_sums(a.sum, b.sum);
  return two_sums(sum.sum, hn::Add(sum.error, hn::Add(a.error, b.error)));
}
template <class E>
HWY_INLINE Partial halved(E /*d*/, Lanes<hn::VFromD<E>> all) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(E()) > 1) {
    const hn::Half<E> half;
    return halved(half,
                  pairwise<hn::VFromD<hn::Half<E>>>({hn::LowerHalf(half, all.sum), hn::LowerHalf(half, all.error)},
                                                    {hn::UpperHalf(half, all.sum), hn::UpperHalf(half, all.error)}));
  } else
#endif
  {
    return {hn::GetLane(all.sum), hn::GetLane(all.error)};
  }
}
/// combined_lanes(), several at once and without its tests: where all is finite none of them changes anything, and what
/// is not finite stays so to the end.
HWY_INLINE Partial combined(const double* sums, const double* errors) {
  Lanes<V> all[vectors];
#pragma GCC unroll 16
  for (std::size_t v = 0; v < vectors; ++v) {
    all[v] = two_sums(hn::Load(D(), sums + v * lanes_per_vector), hn::Load(D(), errors + v * lanes_per_vector));
  }
#pragma GCC unroll 16
  for (std::size_t width = vectors / 2; width > 0; width /= 2) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < width; ++v) all[v] = pairwise(all[v], all[v + width]);
  }
  const auto result = halved(D(), all[0]);
  return std::isfinite(result.high) ? result : combined_lanes(sums, errors);
}

/// Elements of a page, and how far ahead, at least, the next one is asked for.
constexpr std::size_t page_elements = 512;
constexpr std::uintptr_t bytes_ahead = 2048;
/// Asks for the first line of the page that begins `bytes_ahead` or up to a page more from here, to be called once a
/// page. The machine's own prefetching ends with a page: without this each begins with a wait for memory, which only
/// loops of fewer operations hide (measured on Zen 5: sums of an array in memory take 0.88 of the time).
HWY_INLINE void ask_for_next_page(const double* from) {
  constexpr std::uintptr_t page = page_elements * sizeof(double);
  const auto next = (reinterpret_cast<std::uintptr_t>(from) + bytes_ahead + page - 1) / page * page;
  hwy::Prefetch(reinterpret_cast<const char*>(next));
}

/// Asks for the lines of the row that is used some 300 cycles later. A row's steps fill the core's window of
/// instructions, so that too few loads are under way at once (measured on an Intel Xeon of 2.6 GHz: sums of an array in
/// memory take 0.7 to 0.9 of the time; 1,024 to 1,536 bytes ahead are best, 2,048 and more are worse).
HWY_INLINE void ask_for_row(const double* from) {
  constexpr std::uintptr_t row_bytes_ahead = 1280, line = 64;
  const auto row = reinterpret_cast<std::uintptr_t>(from) + row_bytes_ahead;
  for (std::uintptr_t at = 0; at < sum_lanes * sizeof(double); at += line) {
    hwy::Prefetch(reinterpret_cast<const char*>(row + at));
  }
}

/// The lanes of all vectors go on side by side: each step of one waits for its last one.
template <class Op>
HWY_INLINE void reduce(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  const auto whole = x.size() / sum_lanes * sum_lanes;
  const double* first = x.data();
  const double* second = y.empty() ? first : y.data();
  Row<vectors> row;
  row.clear();
  for (std::size_t i = 0; i < whole;) {
    const auto end = std::min(whole, i + page_elements);
    ask_for_next_page(first + i);
    if constexpr (Op::is_of_two) ask_for_next_page(second + i);
    for (; i < end; i += sum_lanes) {
      ask_for_row(first + i);
      if constexpr (Op::is_of_two) ask_for_row(second + i);
      row.template step<Op>(first + i, second + i);
    }
  }
  if (whole < x.size()) {
    double a[sum_lanes] = {}, b[sum_lanes] = {};
    std::copy(first + whole, first + x.size(), a);
    std::copy(second + whole, second + x.size(), b);
    row.template step<Op>(a, b);
  }
  alignas(64) double sums[sum_lanes], errors[sum_lanes];
  row.store(sums, errors);
  const auto all = combined(sums, errors);
  out[0] = all.high;
  out[1] = all.low;
}

HWY_ATTR void sum(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  reduce<Sum>(x, y, out);
}
HWY_ATTR void dot(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  reduce<Dot>(x, y, out);
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
