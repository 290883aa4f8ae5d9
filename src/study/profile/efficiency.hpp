// Where the cores of a run went, by what the probe has written of its processes.
#pragma once

#include <optional>
#include <span>

#include "host/efficiency.hpp"
#include "study/profile/process_record.hpp"

namespace paceline {

struct Efficiencies {
  double elapsed_s = 0;                    ///< of the rank that took longest
  double parallel = 1;                     ///< useful thread-seconds against all that the threads had
  std::optional<MpiEfficiency> mpi;        ///< nothing: no process uses MPI
  std::optional<OpenMpEfficiency> openmp;  ///< likewise
  int slowest_rank = 0;                    ///< index of the record with the most work outside of MPI
};

/// The tree of host/efficiency.hpp, where of rank p, with T_p threads for E_p seconds, M_p of them in MPI and N_p of
/// these outside regions, T_p E_p - M_p - (T_p-1) N_p is what MPI leaves to threads. Imbalance and scheduling are those
/// of probe/region.hpp. Throws Error (failure) for records whose times can't be: more useful seconds than its threads
/// had.
Efficiencies efficiencies(std::span<const ProcessRecord> records);

}  // namespace paceline
