#include "cli/run_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "host/launch.hpp"

namespace paceline {
namespace {

const std::map<std::string, Schedule> schedules{{"block", Schedule::block},
                                                {"cyclic", Schedule::cyclic},
                                                {"dynamic", Schedule::dynamic},
                                                {"weighted", Schedule::weighted}};
const std::map<std::string, Gather> gathers{{"parallel", Gather::parallel}, {"root", Gather::root}};
const std::map<std::string, ProgressMode> progress_modes{
    {"auto", ProgressMode::automatic}, {"always", ProgressMode::always}, {"never", ProgressMode::never}};

bool has(const OptionSet& set, std::string_view name) {
  return std::ranges::any_of(set.options(), [&](const Option& option) { return option.name == name; });
}

}  // namespace

CommandText run_command(const WorkloadEntry& entry, RunOptions& options) {
  CommandText text{entry.name, entry.summary, groups::compute};
  auto& set = text.options;
  options.workload->add_options(set);
  options.schedule = schedules.at(entry.default_schedule);
  set.add("-o,--output", options.output, "HDF5 file for the result (none: only the report)").shown("FILE.h5");
  set.add("--force", options.force, "overwrite what exists");
  set.add("--resume", options.resume, "go on from an interrupted run; try again what failed").excludes("--force");
  set.add("--threads", options.threads, "OpenMP threads per rank (OMP_NUM_THREADS, else the rank's bound cores)")
      .from(1, most_threads)
      .shown("N");
  set.add_choice("--schedule", options.schedule, schedules, "how items go to ranks: block, cyclic, dynamic or weighted")
      .shown(fmt::format("NAME ({})", entry.default_schedule));
  set.add("--chunk", options.chunk, "items handed out at once (chosen from the plan)")
      .from(1, std::int64_t{1} << 40)
      .shown("N");
  set.add_choice("--gather", options.gather, gathers, "all ranks write together, or rank 0 gathers and writes")
      .shown("parallel|root (parallel)");
  set.add("--memory-limit", options.memory_limit, "bytes of the result, and of its inputs, that a rank may hold")
      .as_size()
      .shown("SIZE (512MiB)");
  set.add("--verify", options.verify, "compute again with the scalar reference on one rank and compare");
  set.add("--save-every", options.save_every_s, "write what is finished at least this often")
      .between(0.01, 1e9)
      .shown(fmt::format("SECONDS ({:g})", options.save_every_s));
  // Scripts give all runs the same options: those without HDF5 inputs take it, too.
  if (!has(set, "--allow-external")) {
    set.add("--allow-external", options.allow_external, "follow what leads out of HDF5 inputs (this command has none)");
  }
  set.add("--watchdog", options.watchdog_s,
          "end the job, naming the rank, when a rank makes no progress for so long (off)")
      .between(0.0, 1e9)
      .shown("SECONDS");
  set.add("--dry-run", options.dry_run, "print the plan and compute nothing");
  set.add_choice("--progress", options.progress, progress_modes, "a bar on a terminal, lines in a batch log")
      .shown("auto|always|never (auto)");
  set.add("--json", options.json, "the report as one JSON object");
  return text;
}

}  // namespace paceline
