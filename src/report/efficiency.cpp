#include "report/efficiency.hpp"

#include <algorithm>

namespace paceline {

ComputeEfficiency efficiency_of(std::span<const RankEffort> efforts, double phase_s) {
  double threads = 0, in_regions = 0, useful = 0, balanced = 0, longest = 0;
  for (const auto& effort : efforts) {
    threads += effort.threads;
    in_regions += effort.threads * effort.region_s;
    useful += effort.useful_s;
    balanced += effort.threads * effort.region_s - (effort.threads * effort.most_useful_s - effort.useful_s);
    longest = std::max(longest, effort.region_s);
  }
  ComputeEfficiency found;
  if (useful <= 0 || balanced <= 0 || phase_s <= 0) return found;
  found.parallel = useful / (phase_s * threads);
  found.ranks = in_regions / (phase_s * threads);
  found.communication = longest / phase_s;
  found.rank_balance = found.ranks / found.communication;
  found.threads = useful / in_regions;
  found.thread_balance = balanced / in_regions;
  found.scheduling = useful / balanced;
  return found;
}

}  // namespace paceline
