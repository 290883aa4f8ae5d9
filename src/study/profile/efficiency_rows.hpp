// Measured efficiencies of a study's layouts: the table /study/efficiency of its file.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "study/profile/profile.hpp"
#include "study/sample.hpp"

namespace paceline {

/// A run under the probe. Factors are NaN where they are not measured.
struct EfficiencyRow {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  Layout layout;
  double wall_s = unknown;     ///< the time that is studied, as this run has it
  double elapsed_s = unknown;  ///< between MPI_Init and MPI_Finalize
  double useful_s = unknown;   ///< thread-seconds
  double parallel = unknown;
  double mpi = unknown, mpi_load_balance = unknown, mpi_communication = unknown;
  double openmp = unknown, openmp_serial = unknown, openmp_load_balance = unknown, openmp_scheduling = unknown;
  std::string why_not;  ///< empty: measured
};

EfficiencyRow efficiency_row(const Layout& layout, double wall_s, const Profile& profile);

TypedTable efficiency_table(const std::vector<EfficiencyRow>& rows);
/// Of a study that was read; none where nothing was profiled. Throws Error (input) when the table is damaged.
std::vector<EfficiencyRow> efficiency_rows(const Study& study);

/// The factors at the end of the tree, whose product is the parallel efficiency, by their names in the table; with
/// "computation": how much less useful time the layout with the fewest cores took for the same work.
struct NamedFactor {
  const char* name;
  const char* words;
  double EfficiencyRow::*value;
};
const std::vector<NamedFactor>& efficiency_factors();

/// Of one layout: its run with the median parallel efficiency, and what it says beside the layout with the fewest
/// cores.
struct LayoutEfficiency {
  EfficiencyRow row;
  int runs = 0;
  double computation = EfficiencyRow::unknown;
  std::string fell_most;  ///< the factor that fell most since then, in words; empty for that layout itself
  double fell_to = EfficiencyRow::unknown, fell_from = EfficiencyRow::unknown;
  double probed_wall_s = EfficiencyRow::unknown;  ///< median of all its probed runs
};

/// By layout, that with the fewest cores first.
std::vector<LayoutEfficiency> layout_efficiencies(const Study& study);

}  // namespace paceline
