#include <algorithm>
#include <cmath>

#include "study/fit/distributions.hpp"
#include "study/fit/noise.hpp"

namespace paceline {

Drift drift_of(const Times& times, const Study& study) {
  std::vector<std::pair<double, double>> points;  // order, deviation
  for (const auto& layout : times.layouts) {
    if (layout.runs.size() < 2) continue;
    std::vector<double> logs;
    for (const auto& run : layout.runs) logs.push_back(run.log_s);
    const double middle = median_of(logs);
    for (const auto& run : layout.runs) points.emplace_back(study.samples[run.sample].order, run.log_s - middle);
  }
  std::sort(points.begin(), points.end());
  const std::size_t n = points.size();
  if (n < 4 || points.front().first == points.back().first) return {};
  std::vector<double> slopes;
  double score = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double rise = points[i].second - points[j].second;
      score += rise > 0 ? 1 : rise < 0 ? -1 : 0;
      const double run = points[i].first - points[j].first;
      if (run > 0) slopes.push_back(rise / run);
    }
  }
  const auto count = static_cast<double>(n);
  const double sd = std::sqrt(count * (count - 1) * (2 * count + 5) / 18);
  const double z = std::max(0.0, std::abs(score) - 1) / sd;
  const double change = median_of(std::move(slopes)) * (points.back().first - points.front().first);
  return {std::expm1(change), 2 * normal_cdf(-z)};
}

}  // namespace paceline
