#include "study/median.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace paceline {
namespace {

/// Largest k, counted from 1, such that the k-th smallest and the k-th largest of n enclose the median; 0: none do.
std::size_t enclosing(std::size_t n, double confidence) {
  // Binomial(n, 1/2) from its logarithms: 2^-n itself is 0 beyond about a thousand samples.
  const auto count = static_cast<double>(n);
  double below = 0;  // P(Binomial < k)
  std::size_t k = 0;
  for (std::size_t i = 0; 2 * i < n; ++i) {
    const auto at = static_cast<double>(i);
    below +=
        std::exp(std::lgamma(count + 1) - std::lgamma(at + 1) - std::lgamma(count - at + 1) - count * std::log(2.0));
    if (1 - 2 * below < confidence) break;
    k = i + 1;
  }
  return k;
}

}  // namespace

bool MedianInterval::is_bounded() const { return std::isfinite(low) && std::isfinite(high); }

double MedianInterval::relative_half_width() const {
  return is_bounded() ? (high - low) / 2 / std::abs(median) : std::numeric_limits<double>::infinity();
}

MedianInterval median_interval(std::span<const double> samples, double confidence) {
  MedianInterval interval;
  if (samples.empty()) return interval;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const auto n = sorted.size();
  interval.median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  if (const auto k = enclosing(n, confidence); k > 0) {
    interval.low = sorted[k - 1];
    interval.high = sorted[n - k];
  }
  return interval;
}

}  // namespace paceline
