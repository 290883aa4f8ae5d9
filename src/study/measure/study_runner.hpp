// The runs of a study, one after the other: each is started, read and kept before the next.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <paceline/error.hpp>

#include "host/clock.hpp"
#include "host/progress.hpp"
#include "study/measure/binding.hpp"
#include "study/measure/options.hpp"
#include "study/measure/outcome.hpp"
#include "study/measure/process.hpp"
#include "study/measure/setup.hpp"
#include "study/measure/sweep.hpp"
#include "study/profile/efficiency_rows.hpp"
#include "study/study_file.hpp"

namespace paceline {

/// A note on standard error, in place of the bar that may be in the line of a terminal.
void note_over_bar(const std::string& sentence);

class StudyRunner {
 public:
  StudyRunner(const StudyOptions& options, const RunReader& reader, const Setup& setup, StudyFile& file);

  void run();

  /// Ranks on other nodes are seen by Slurm alone, which says when a step has ended.
  void take_slurm_memory();

  /// So many runs of each layout under the probe, those of an interrupted study counted.
  void profile(int runs);

  /// Why the last run that failed did, or the last layout was left out. Of an earlier study, how.
  [[nodiscard]] std::string last_trouble() const;

 private:
  [[nodiscard]] const std::vector<Sample>& samples() const { return file_.study().samples; }
  [[nodiscard]] std::int64_t planned() const {
    return static_cast<std::int64_t>(setup_.sweep.layouts.size()) * (options_.warmup + options_.repeats);
  }
  [[nodiscard]] Error stopped(const std::string& why) const;
  [[noreturn]] void stop() const;

  /// `step`: name of the job step under srun.
  [[nodiscard]] ProcessResult start(const Layout& layout, const std::vector<std::string>& command, double timeout_s,
                                    const std::string& step = {}) const;
  [[nodiscard]] bool is_by_srun() const { return setup_.launcher.kind == Launcher::Kind::srun; }

  void check_binding(const Layout& layout);

  /// Why the layout is badly bound. Open MPI's and MPICH's mpirun bind a process before it starts; under srun it may be
  /// MPI_Init that does, so there the probe starts MPI too.
  std::optional<std::string> probe(const Layout& layout);

  /// Where each thread may run, as OMP_DISPLAY_AFFINITY tells it, of the first ranks: for the report.
  void keep_affinity(const Layout& layout, const std::vector<ProbedProcess>& found);

  void run_once(const PlannedRun& next);
  void profile_once(const Layout& layout, std::vector<EfficiencyRow> rows);

  /// A number that can't be the run's seconds may still be a time in another unit, so it counts.
  void warn_of_time(const Sample& sample, double run_s);

  const StudyOptions& options_;
  const RunReader& reader_;
  const Setup& setup_;
  StudyFile& file_;
  Stopwatch watch_;
  Progress progress_;
  std::set<Layout> gated_;
  std::set<Layout> left_out_;
  std::set<Layout> unbound_;
  std::set<Layout> told_;
  std::set<Layout> not_profiled_;
  std::set<std::string> told_warnings_;
  bool has_warned_of_time_ = false;
  std::string last_trouble_;
};

}  // namespace paceline
