#include "report/figures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace paceline::figures {

double largest(const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); }

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double rate(double amount, const RateUnit& unit, double seconds) {
  return seconds > 0 ? amount / unit.per / seconds : 0.0;
}

double compute_s(const RunSummary& summary) { return largest(column(summary, &RankRow::compute_s)); }

double work_s(const RunSummary& summary) {
  const bool is_scanned = summary.parts->scanned_file != nullptr && summary.parts->inputs == nullptr;
  return compute_s(summary) + (is_scanned ? largest(column(summary, &RankRow::plan_s)) : 0);
}

double waited_s(const RunSummary& summary) {
  double sum_s = 0;
  for (const double busy_s : summary.tables.busy_s) sum_s += std::isnan(busy_s) ? 0 : busy_s;
  return sum_s;
}

double workers(const RunSummary& summary) {
  const auto& request = summary.plan->request();
  return std::min(static_cast<double>(request.ranks) * request.threads, static_cast<double>(summary.cores_used));
}

double rate_together(const RunSummary& summary) {
  const auto seconds = compute_s(summary);
  return seconds > 0 ? sum(column(summary, &RankRow::work_useful)) / seconds : 0;
}

bool memory_is_the_limit(const RunSummary& summary) {
  constexpr double shared = 0.8;
  return rate_together(summary) < shared * workers(summary) * summary.rate_alone;
}

double imbalance(const std::vector<double>& values) {
  const auto average = mean(values);
  return average > 0 ? largest(values) / average : 1.0;
}

}  // namespace paceline::figures
