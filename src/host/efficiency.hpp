// Where the cores of a hybrid program went: POP's efficiencies, as a tree of factors. Each is a share of what the one
// above leaves: its product with its sisters is the one above.
//
// With T threads of all ranks, E the elapsed time, o the largest part of it that a rank is outside of MPI, and in
// thread-seconds of all ranks: B outside of MPI, Z idle beside serial work, L waiting for the thread of a region that
// has the most work, U useful:
//   parallel = U/(T E) = mpi * openmp
//   mpi = B/(T E) = load_balance * communication;  communication = o
//   openmp = U/B = serial * load_balance * scheduling = (B-Z)/B * (B-Z-L)/(B-Z) * U/(B-Z-L)
// The MPI factors are those of Rosas, Gimenez and Labarta, "Scalability prediction for fundamental performance
// factors" (2014), weighted by threads; the OpenMP ones those of TALP (Lopez, Ramirez Miranda and Garcia-Gasulla,
// 2021) taken of B, so that the product holds.
#pragma once

namespace paceline {

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
struct EfficiencyTree {
  double parallel = 1;  ///< useful thread-seconds against all that the threads had
  MpiEfficiency mpi;
  OpenMpEfficiency openmp;
};

/// Seconds of threads, of all ranks together: 2 threads for 3 s are 6 s.
struct ThreadSeconds {
  double all = 0;
  double outside_mpi = 0;
  double serial_idle = 0;  ///< of these, beside serial work
  double imbalance = 0;    ///< of these, waiting for the thread with the most work
  double useful = 0;       ///< of these
};

/// A factor: from 0 to 1, and 1 of nothing.
double share_of_time(double part_s, double whole_s);

/// `most_outside_mpi`: share of its time, of the rank that is least in MPI.
EfficiencyTree efficiency_tree(const ThreadSeconds& seconds, double most_outside_mpi);

}  // namespace paceline
