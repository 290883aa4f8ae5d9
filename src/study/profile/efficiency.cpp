#include "study/profile/efficiency.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <paceline/error.hpp>

namespace paceline {
namespace {

/// Ranks calibrate their clocks each for itself, to some millionths; more than that is a mistake in the records.
void check_part(double part_s, double whole_s) {
  const double tolerance_s = 0.001 + 0.001 * whole_s;
  if (part_s < -tolerance_s || part_s > whole_s + tolerance_s) {
    throw Error(ErrorKind::failure, "the times that the probe has measured do not add up",
                fmt::format("{:.4f} s of {:.4f} s", part_s, whole_s),
                "report this, with the program that was profiled");
  }
}

}  // namespace

Efficiencies efficiencies(std::span<const ProcessRecord> records) {
  Efficiencies result;
  for (const auto& record : records) result.elapsed_s = std::max(result.elapsed_s, record.elapsed_s);
  ThreadSeconds sum;
  double most_outside_mpi = -1;
  bool uses_mpi = false, uses_openmp = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    const double left_s = record.threads * record.elapsed_s - record.mpi_s - record.idle_in_mpi_s();
    const double all_s = record.threads * result.elapsed_s;
    sum.all += all_s;
    sum.outside_mpi += left_s;
    sum.serial_idle += record.serial_idle_s();
    sum.imbalance += record.imbalance_s;
    sum.useful += record.useful_s;
    uses_mpi = uses_mpi || record.uses_mpi;
    uses_openmp = uses_openmp || record.uses_openmp;
    check_part(left_s, all_s);
    const double share = share_of_time(left_s, all_s);
    if (share > most_outside_mpi) {
      most_outside_mpi = share;
      result.slowest_rank = static_cast<int>(i);
    }
  }
  check_part(sum.useful, sum.all);
  const auto tree = efficiency_tree(sum, most_outside_mpi);
  result.parallel = tree.parallel;
  if (uses_mpi) {
    check_part(sum.outside_mpi, sum.all);
    result.mpi = tree.mpi;
  }
  if (uses_openmp) {
    const double beside_serial_s = sum.outside_mpi - sum.serial_idle;
    check_part(sum.useful, sum.outside_mpi);
    check_part(beside_serial_s, sum.outside_mpi);
    check_part(beside_serial_s - sum.imbalance, beside_serial_s);
    check_part(sum.useful, beside_serial_s - sum.imbalance);
    result.openmp = tree.openmp;
  }
  return result;
}

}  // namespace paceline
