// Where the cores of a run went: POP's efficiencies of a hybrid program, as a tree of factors.
#pragma once

#include <optional>
#include <span>

#include "study/profile/process_record.hpp"

namespace paceline {

/// Every factor is a share of what the one above leaves: its product with its sisters is the one above.
struct MpiEfficiency {
  double efficiency = 1;
  double load_balance = 1;   ///< mean over ranks against the rank that is least in MPI
  double communication = 1;  ///< what even that rank does not spend in MPI
};
struct OpenMpEfficiency {
  double efficiency = 1;
  double serial = 1;        ///< not lost while one thread works alone
  double load_balance = 1;  ///< not lost while threads wait for the one with the most work
  double scheduling = 1;    ///< not lost to beginning and ending regions, to locks, and to handing out work
};
struct Efficiencies {
  double elapsed_s = 0;                    ///< of the rank that took longest
  double parallel = 1;                     ///< useful thread-seconds against all that the threads had
  std::optional<MpiEfficiency> mpi;        ///< nothing: no process uses MPI
  std::optional<OpenMpEfficiency> openmp;  ///< likewise
  int slowest_rank = 0;                    ///< index of the record with the most work outside of MPI
};

/// With T_p threads of rank p, E_p its elapsed time, E the longest, U_p useful, M_p in MPI, N_p of it outside regions,
/// and L_p, S_p as in probe/region.hpp; sums over ranks without index:
///   parallel = U/(T E) = mpi * openmp
///   B = sum(T_p E_p - M_p - (T_p-1) N_p), what MPI leaves to threads;  mpi = B/(T E);  openmp = U/B
///   o_p = B_p/(T_p E), the part of the time in which rank p is outside of MPI;  mpi.communication = max(o_p)
///   Z = B - U - L - S, idle beside serial work;  openmp = (B-Z)/B * (B-Z-L)/(B-Z) * U/(B-Z-L)
/// The MPI factors are those of Rosas, Gimenez and Labarta, "Scalability prediction for fundamental performance
/// factors" (2014), weighted by threads; the OpenMP ones those of TALP (Lopez, Ramirez Miranda and Garcia-Gasulla,
/// 2021) taken of B, so that the product holds. Throws Error (failure) for records whose times can't be: more useful
/// seconds than its threads had.
Efficiencies efficiencies(std::span<const ProcessRecord> records);

}  // namespace paceline
