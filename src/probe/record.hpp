// What a process says of itself at its end: one small file of JSON in the folder that PACELINE_PROBE_DIR names.
#pragma once

#include "probe/thread.hpp"

namespace paceline::probe {

struct Record {
  int rank = -1;
  int ranks = 0;
  bool uses_mpi = false;
  bool uses_openmp = false;
  bool is_finalized = false;
  int threads = 1;  ///< at once, at most
  Ticks elapsed = 0;
  std::uint64_t cpu_ns = 0;  ///< of all threads, in that time
  Totals totals;
  double ns_per_tick = 1;
};

/// Notes which processors this process may use. To be called before OpenMP binds its first thread to one of them.
void note_processors();

/// Under a name of its own, whole or not at all. All times are whole nanoseconds, since a program may have set a locale
/// with other decimal points. Says on stderr when the file can't be written.
void write(const Record& record);

}  // namespace paceline::probe
