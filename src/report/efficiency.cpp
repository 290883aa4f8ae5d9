#include "report/efficiency.hpp"

#include <algorithm>

namespace paceline {

EfficiencyTree efficiency_of(std::span<const RankEffort> efforts, double phase_s) {
  ThreadSeconds sum;
  double longest_s = 0;
  for (const auto& effort : efforts) {
    sum.all += effort.threads * phase_s;
    sum.outside_mpi += effort.threads * effort.region_s;
    sum.imbalance += effort.threads * effort.most_useful_s - effort.useful_s;
    sum.useful += effort.useful_s;
    longest_s = std::max(longest_s, effort.region_s);
  }
  if (sum.useful <= 0 || sum.imbalance >= sum.outside_mpi || phase_s <= 0) return {};
  return efficiency_tree(sum, share_of_time(longest_s, phase_s));
}

}  // namespace paceline
