// The numbers that the text of a report and its JSON have in common.
#pragma once

#include <vector>

#include "report/report.hpp"

namespace paceline::figures {

/// One a rank.
template <class T>
std::vector<double> column(const RunSummary& summary, T RankRow::*field) {
  std::vector<double> values;
  for (const auto& row : summary.tables.ranks) values.push_back(static_cast<double>(row.*field));
  return values;
}

double largest(const std::vector<double>& values);
double mean(const std::vector<double>& values);
double sum(const std::vector<double>& values);
/// Slowest over mean; 1 where nothing was done.
double imbalance(const std::vector<double>& values);

double rate(double amount, const RateUnit& unit, double seconds);
double compute_s(const RunSummary& summary);
/// Of the work that rates tell: where a file is looked at before, most is done then.
double work_s(const RunSummary& summary);
/// What all workers together have waited: as long as one alone would have taken.
double waited_s(const RunSummary& summary);

/// Threads that have a core of their own, at the most.
double workers(const RunSummary& summary);
double rate_together(const RunSummary& summary);
/// More than one core was at work, and all together did clearly less than what each does alone.
bool memory_is_the_limit(const RunSummary& summary);

}  // namespace paceline::figures
