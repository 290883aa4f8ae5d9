// A run of one layout as it was measured: what a study collects, fits read and plots draw.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/table_file.hpp"

namespace paceline {

/// How a program is spread: `ranks` in all, over `nodes`, each with `threads` OpenMP threads.
struct Layout {
  int ranks = 1;
  int threads = 1;
  int nodes = 1;

  [[nodiscard]] int cores() const { return ranks * threads; }
  friend auto operator<=>(const Layout&, const Layout&) = default;
};

enum class SampleStatus { ok, failed, timed_out, no_time };

/// Seconds of a run's phases on its slowest rank; NaN where the program tells none.
struct PhaseTimes {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  double init_s = unknown, plan_s = unknown, scatter_s = unknown, compute_s = unknown, gather_s = unknown,
         write_s = unknown;
  double compute_mean_s = unknown;  ///< mean over ranks: against compute_s it shows the imbalance
  double serial_s = unknown;        ///< what one rank did while the others waited
};

struct Sample {
  Layout layout;
  int repeat = 0;  ///< block of the interleaved order; 0 is the first
  int order = 0;   ///< how many runs the study had started before this one
  bool warmup = false;
  double wall_s = PhaseTimes::unknown;  ///< the time that is studied; only of a run that is ok
  PhaseTimes phases;
  std::string digest;  ///< empty: the program tells none
  SampleStatus status = SampleStatus::failed;
  bool bound_ok = true;  ///< the binding gate: each thread had a core of its own
  std::string started;   ///< ISO 8601, UTC
  // Peak resident memory; -1 where nothing tells it.
  std::int64_t max_rss_bytes = -1;  ///< of the largest rank
  std::int64_t sum_rss_bytes = -1;  ///< of all ranks together
};

enum class ScalingMode { strong, weak };

inline const std::map<std::string, ScalingMode> scaling_modes = {{"strong", ScalingMode::strong},
                                                                 {"weak", ScalingMode::weak}};
inline const char* name_of(ScalingMode mode) { return mode == ScalingMode::weak ? "weak" : "strong"; }

/// What a study is of and where it ran: attributes of /study.
struct StudyInfo {
  std::string command;   ///< as it was given, with its placeholders
  std::string launcher;  ///< mpirun, srun, ... or the template
  ScalingMode mode = ScalingMode::strong;
  /// Machine, CPU model, cores, topology, kernel, MPI and software versions, environment, seed, date: name and value.
  std::vector<std::pair<std::string, std::string>> machine;
};

struct Study {
  StudyInfo info;
  std::vector<Sample> samples;  ///< in the order in which they were taken
  /// Layouts that were asked for and never run, each with the reason.
  std::vector<std::pair<Layout, std::string>> left_out;
  std::vector<TypedTable> more_tables;  ///< other tables of its file, such as /study/efficiency; kept as they are
};

}  // namespace paceline
