#include "study/fit/bootstrap_generator.hpp"

#include <algorithm>
#include <cmath>

#include "study/fit/distributions.hpp"

namespace paceline {
namespace {

double quantile(const std::vector<double>& sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  // Infinite neighbours have no mean.
  return part > 0 && sorted[above] != sorted[below] ? sorted[below] + part * (sorted[above] - sorted[below])
                                                    : sorted[below];
}

}  // namespace

double BootstrapGenerator::normal() { return normal_quantile(uniform()); }

Quantiles quantiles(std::vector<double> values, double tail) {
  std::sort(values.begin(), values.end());
  return {quantile(values, tail), quantile(values, 1 - tail)};
}

}  // namespace paceline
