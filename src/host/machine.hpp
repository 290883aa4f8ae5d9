// What this machine is and which cores this process may use: read, not assumed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paceline {

/// Cores that are alike, of a processor that has several kinds.
struct CoreKind {
  int efficiency = 0;  ///< by hwloc's ranking, from 0: the higher, the faster a core and the more power it takes
  int cores = 0;
};

struct Machine {
  std::string host;
  std::string cpu_model;
  int cores = 1;
  int hardware_threads = 1;
  int numa_nodes = 1;
  std::int64_t cache_bytes = 0;  ///< of all caches of the last level
  std::vector<int> bound_cores;  ///< logical numbers of the cores that this process may use
  std::vector<int> processors;   ///< one of each of these cores, by the system's number
  std::vector<CoreKind> kinds;   ///< slowest first; none where all are alike, as far as hwloc knows
  std::optional<double> quota;   ///< cores that its control groups may keep busy, where that is limited

  /// Whole cores that this process may keep busy.
  [[nodiscard]] int usable_cores() const;
};

Machine read_machine();

/// "4 of efficiency 0, 8 of efficiency 1"
std::string to_string(const std::vector<CoreKind>& kinds);

/// Cores for one of several ranks of a node, of which `bound` tells the bound cores: its own, or its share where they
/// see each other's because nobody has bound them, and no more than its share of the quota.
int fair_cores(const Machine& machine, const std::vector<std::vector<int>>& bound);

/// A processor for each thread of a rank. `bound`: the bound cores of each rank of the node; `rank`: its number there.
/// A rank takes its own cores, or its share of those that all ranks may use. Empty where there are too few cores.
std::vector<int> processors_of_threads(const Machine& machine, const std::vector<std::vector<int>>& bound, int rank,
                                       int threads);

/// Threads for each rank: what the user asked for, OMP_NUM_THREADS, or a thread a core. Throws Error (usage) as
/// launched_threads() does.
int threads_of_rank(int asked, int cores);

}  // namespace paceline
