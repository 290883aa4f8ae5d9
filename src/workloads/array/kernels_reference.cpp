#include "workloads/array/kernels_reference.hpp"

#include <cmath>

#include "workloads/array/partial.hpp"

namespace paceline::array {
namespace {

template <class Op>
void map(std::span<const double> x, std::span<const double> y, std::span<double> z, const Op& op) {
  for (std::size_t i = 0; i < x.size(); ++i) z[i] = std::isnan(x[i]) ? x[i] + x[i] : op(x[i], y[i]);
}

/// `term(i)` is the i-th summand, `error(i, term)` what it lacks of the exact one.
template <class Term, class Lost>
void reduce(std::size_t count, std::span<double> out, const Term& term, const Lost& lost) {
  double sums[sum_lanes] = {}, errors[sum_lanes] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto lane = i % sum_lanes;
    const double value = term(i);
    errors[lane] += lost(i, value);
    const auto next = two_sum(sums[lane], value);
    errors[lane] += next.low;
    sums[lane] = next.high;
  }
  const auto all = combined_lanes(sums, errors);
  out[0] = all.high;
  out[1] = all.low;
}

}  // namespace

void multiply_reference(std::span<const double> x, std::span<const double> y, std::span<double> z) {
  map(x, y, z, [](double a, double b) { return a * b; });
}
void add_reference(std::span<const double> x, std::span<const double> y, std::span<double> z) {
  map(x, y, z, [](double a, double b) { return a + b; });
}
void triad_reference(std::span<const double> x, std::span<const double> y, std::span<double> z) {
  map(x, y, z, [](double a, double b) { return a + 3.0 * b; });
}
void sum_reference(std::span<const double> x, std::span<const double> /*y*/, std::span<double> out) {
  reduce(
      x.size(), out, [&](std::size_t i) { return x[i]; }, [](std::size_t, double) { return 0.0; });
}
void dot_reference(std::span<const double> x, std::span<const double> y, std::span<double> out) {
  reduce(
      x.size(), out, [&](std::size_t i) { return x[i] * y[i]; },
      [&](std::size_t i, double product) { return std::fma(x[i], y[i], -product); });
}

}  // namespace paceline::array
