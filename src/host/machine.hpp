// What this machine is and which cores this process may use: read, not assumed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paceline {

struct Machine {
  std::string host;
  std::string cpu_model;
  int cores = 1;
  int hardware_threads = 1;
  int numa_nodes = 1;
  std::int64_t cache_bytes = 0;  ///< of all caches of the last level
  std::vector<int> bound_cores;  ///< logical numbers of the cores that this process may use
};

Machine read_machine();

/// Threads for each rank: what the user asked for, OMP_NUM_THREADS, or the bound cores. Throws Error (usage) as
/// launched_threads() does.
int threads_of_rank(int asked, const Machine& machine);

}  // namespace paceline
