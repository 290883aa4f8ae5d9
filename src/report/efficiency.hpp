// How well the compute phase of a run used its cores, by the run's own clocks.
#pragma once

#include <span>

#include "host/efficiency.hpp"

namespace paceline {

/// What one rank did in the compute phase.
struct RankEffort {
  int threads = 1;
  double region_s = 0;       ///< wall time of its parallel region
  double useful_s = 0;       ///< computing, of all its threads
  double most_useful_s = 0;  ///< of the thread that computed longest
};

/// As `paceline profile` has them for whole programs. Here a rank is one region: outside of it are the last writes, and
/// waiting for messages of other ranks. Nothing is beside serial work.
EfficiencyTree efficiency_of(std::span<const RankEffort> efforts, double phase_s);

}  // namespace paceline
