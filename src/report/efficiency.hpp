// How well the compute phase of a run used its cores, by the run's own clocks.
#pragma once

#include <span>

namespace paceline {

/// What one rank did in the compute phase.
struct RankEffort {
  int threads = 1;
  double region_s = 0;       ///< wall time of its parallel region
  double useful_s = 0;       ///< computing, of all its threads
  double most_useful_s = 0;  ///< of the thread that computed longest
};

/// Factors of POP's tree, as `paceline profile` has them for whole programs: parallel = ranks * threads.
struct ComputeEfficiency {
  double parallel = 1;        ///< useful thread-seconds against all that the threads had
  double ranks = 1;           ///< = rank_balance * communication
  double rank_balance = 1;    ///< mean over ranks against the one that computes longest
  double communication = 1;   ///< what even that rank does not wait for: the last writes, other ranks' messages
  double threads = 1;         ///< = thread_balance * scheduling
  double thread_balance = 1;  ///< not lost while threads wait for the one with the most work
  double scheduling = 1;      ///< not lost to claiming chunks, and to beginning and ending the region
};

/// With T threads, w the region's seconds and u the useful ones of a rank, in a phase of P seconds; sums over ranks:
///   parallel = sum(u)/(P sum(T));  ranks = sum(T w)/(P sum(T));  communication = max(w)/P
///   L = sum(T max(u) - u);  thread_balance = (sum(T w) - L)/sum(T w);  scheduling = sum(u)/(sum(T w) - L)
/// (Rosas, Gimenez and Labarta, 2014, weighted by threads, and POP's hybrid model; see study/profile/efficiency.hpp.)
ComputeEfficiency efficiency_of(std::span<const RankEffort> efforts, double phase_s);

}  // namespace paceline
