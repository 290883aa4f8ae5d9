#include "study/profile/efficiency.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <paceline/error.hpp>

namespace paceline {
namespace {

/// Ranks calibrate their clocks each for itself, to some millionths; more than that is a mistake in the records.
double factor(double part_s, double whole_s) {
  const double tolerance_s = 0.001 + 0.001 * whole_s;
  if (part_s < -tolerance_s || part_s > whole_s + tolerance_s) {
    throw Error(ErrorKind::failure, "the times that the probe has measured do not add up",
                fmt::format("{:.4f} s of {:.4f} s", part_s, whole_s),
                "report this, with the program that was profiled");
  }
  return whole_s > 0 ? std::clamp(part_s / whole_s, 0.0, 1.0) : 1;
}

}  // namespace

Efficiencies efficiencies(std::span<const ProcessRecord> records) {
  Efficiencies result;
  for (const auto& record : records) result.elapsed_s = std::max(result.elapsed_s, record.elapsed_s);
  const double elapsed_s = result.elapsed_s;
  double threads = 0, useful_s = 0, outside_mpi_s = 0, idle_s = 0, imbalance_s = 0;
  double most_outside_mpi = -1;
  bool uses_mpi = false, uses_openmp = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    const double left_s = record.threads * record.elapsed_s - record.mpi_s - record.idle_in_mpi_s();
    threads += record.threads;
    useful_s += record.useful_s;
    outside_mpi_s += left_s;
    idle_s += record.serial_idle_s();
    imbalance_s += record.imbalance_s;
    uses_mpi = uses_mpi || record.uses_mpi;
    uses_openmp = uses_openmp || record.uses_openmp;
    const double share = factor(left_s, record.threads * elapsed_s);
    if (share > most_outside_mpi) {
      most_outside_mpi = share;
      result.slowest_rank = static_cast<int>(i);
    }
  }
  result.parallel = factor(useful_s, threads * elapsed_s);
  if (uses_mpi) {
    const double efficiency = factor(outside_mpi_s, threads * elapsed_s);
    result.mpi = {efficiency, most_outside_mpi > 0 ? efficiency / most_outside_mpi : 1, most_outside_mpi};
  }
  if (uses_openmp) {
    const double beside_serial_s = outside_mpi_s - idle_s;
    result.openmp = {factor(useful_s, outside_mpi_s), factor(beside_serial_s, outside_mpi_s),
                     factor(beside_serial_s - imbalance_s, beside_serial_s),
                     factor(useful_s, beside_serial_s - imbalance_s)};
  }
  return result;
}

}  // namespace paceline
