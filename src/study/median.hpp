// The median of a few samples with an interval that assumes nothing of their distribution.
#pragma once

#include <limits>
#include <span>

namespace paceline {

struct MedianInterval {
  double median = std::numeric_limits<double>::quiet_NaN();
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  /// Both ends are known: of fewer than 6 samples no pair of them holds the median with 95 %.
  [[nodiscard]] bool is_bounded() const;
  /// Half the interval's width over the median; infinite when it is not bounded.
  [[nodiscard]] double relative_half_width() const;
};

/// Median and its interval of at least `confidence` from order statistics: samples are below the true median with
/// probability 1/2 each, so that the k-th smallest and the k-th largest of n enclose it with probability
/// 1 - 2 P(Binomial(n, 1/2) < k); the largest such k is taken. (H. A. David, H. N. Nagaraja: Order Statistics, 3rd
/// edition, 2003, section 7.1.) Unbounded where even the smallest and the largest are not enough; NaN without samples.
MedianInterval median_interval(std::span<const double> samples, double confidence = 0.95);

}  // namespace paceline
