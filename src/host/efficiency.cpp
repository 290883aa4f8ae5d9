#include "host/efficiency.hpp"

#include <algorithm>

namespace paceline {

double share_of_time(double part_s, double whole_s) { return whole_s > 0 ? std::clamp(part_s / whole_s, 0.0, 1.0) : 1; }

EfficiencyTree efficiency_tree(const ThreadSeconds& seconds, double most_outside_mpi) {
  const auto& [all, outside_mpi, serial_idle, imbalance, useful] = seconds;
  const double beside_serial = outside_mpi - serial_idle;
  const double balanced = beside_serial - imbalance;
  const double mpi = share_of_time(outside_mpi, all);
  EfficiencyTree tree;
  tree.parallel = share_of_time(useful, all);
  tree.mpi = {mpi, most_outside_mpi > 0 ? mpi / most_outside_mpi : 1, most_outside_mpi};
  tree.openmp = {share_of_time(useful, outside_mpi), share_of_time(beside_serial, outside_mpi),
                 share_of_time(balanced, beside_serial), share_of_time(useful, balanced)};
  return tree;
}

}  // namespace paceline
