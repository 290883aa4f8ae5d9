#include "cli/parse.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include <paceline/error.hpp>

#include "cli/choice.hpp"
#include "cli/fit_options.hpp"
#include "cli/profile_options.hpp"
#include "cli/report_options.hpp"
#include "cli/study_options.hpp"
#include "host/launch.hpp"
#include "host/secrets.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

const std::map<std::string, Schedule> schedules{{"block", Schedule::block},
                                                {"cyclic", Schedule::cyclic},
                                                {"dynamic", Schedule::dynamic},
                                                {"weighted", Schedule::weighted}};
const std::map<std::string, Gather> gathers{{"parallel", Gather::parallel}, {"root", Gather::root}};
const std::map<std::string, ProgressMode> progress_modes{
    {"auto", ProgressMode::automatic}, {"always", ProgressMode::always}, {"never", ProgressMode::never}};

/// What CLI11 says in several lines, in one.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// An option of a workload for the library that reads command lines.
void add_option(CLI::App& app, const Option& option) {
  auto* added = std::visit(
      [&]<class Target>(const Target& target) -> CLI::Option* {
        if constexpr (std::is_same_v<Target, bool*>) {
          return app.add_flag_callback(
              option.name, [target, value = option.flag_value] { *target = value; }, option.help);
        } else if constexpr (std::is_same_v<Target, std::function<void(const std::string&)>>) {
          return app.add_option_function<std::string>(option.name, target, option.help);
        } else {
          return app.add_option(option.name, *target, option.help);
        }
      },
      option.target);
  if (option.whole_range) added->check(CLI::Range(option.whole_range->first, option.whole_range->second));
  if (option.real_range) added->check(CLI::Range(option.real_range->first, option.real_range->second));
  if (option.is_size) added->transform(CLI::AsSizeValue(false));
  if (option.is_required) added->required();
  if (!option.names.empty()) {
    added->check(CLI::Validator(
        [names = option.names](std::string& text) {
          const bool is_known = std::find(names.begin(), names.end(), text) != names.end();
          return is_known ? std::string() : fmt::format("{} is not one of {}", text, fmt::join(names, ", "));
        },
        ""));
  }
  if (!option.shown_value.empty()) {
    added->option_text(option.shown_value);
  } else if (added->get_expected_min() > 0) {
    added->capture_default_str();
  }
}

void add_workload_options(CLI::App& app, Workload& workload) {
  OptionSet set;
  workload.add_options(set);
  for (const auto& option : set.options()) add_option(app, option);
  for (const auto& option : set.options()) {
    for (const auto& other : option.excluded) app.get_option(option.name)->excludes(app.get_option(other));
  }
}

void add_run_options(CLI::App& app, const WorkloadEntry& entry, RunOptions& options) {
  options.schedule = schedules.at(entry.default_schedule);
  app.add_option("-o,--output", options.output, "HDF5 file for the result (none: only the report)")
      ->option_text("FILE.h5");
  auto* force = app.add_flag("--force", options.force, "overwrite what exists");
  app.add_flag("--resume", options.resume, "go on from an interrupted run; try again what failed")->excludes(force);
  app.add_option("--threads", options.threads, "OpenMP threads per rank (OMP_NUM_THREADS, else the rank's bound cores)")
      ->check(CLI::Range(1, most_threads))
      ->option_text("N");
  app.add_option("--schedule", options.schedule, "how items go to ranks: block, cyclic, dynamic or weighted")
      ->transform(choice(schedules))
      ->option_text(fmt::format("NAME ({})", entry.default_schedule));
  app.add_option("--chunk", options.chunk, "items handed out at once (chosen from the plan)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->option_text("N");
  app.add_option("--gather", options.gather, "all ranks write together, or rank 0 gathers and writes")
      ->transform(choice(gathers))
      ->option_text("parallel|root (parallel)");
  app.add_option("--memory-limit", options.memory_limit, "bytes of the result, and of its inputs, that a rank may hold")
      ->transform(CLI::AsSizeValue(false))
      ->option_text("SIZE (512MiB)");
  app.add_flag("--verify", options.verify, "compute again with the scalar reference on one rank and compare");
  app.add_option("--save-every", options.save_every_s, "write what is finished at least this often")
      ->check(CLI::Range(0.01, 1e9))
      ->option_text(fmt::format("SECONDS ({:g})", options.save_every_s));
  app.add_option("--watchdog", options.watchdog_s,
                 "end the job, naming the rank, when a rank makes no progress for so long (off)")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("SECONDS");
  app.add_flag("--dry-run", options.dry_run, "print the plan and compute nothing");
  app.add_option("--progress", options.progress, "a bar on a terminal, lines in a batch log")
      ->transform(choice(progress_modes))
      ->option_text("auto|always|never (auto)");
  app.add_flag("--json", options.json, "the report as one JSON object");
}

/// Of every option: an empty value is a slip of a script and not "not given", and 010 is ten.
void read_values_plainly(CLI::App& app) {
  const auto plain = CLI::Validator(
      [](std::string& text) {
        if (text.empty()) return std::string("the value is empty");
        // CLI11 would take a number that begins with 0 for an octal one.
        const std::size_t first = text[0] == '-' || text[0] == '+' ? 1 : 0;
        const auto digit = std::min(text.find_first_not_of('0', first), text.size());
        const bool is_number = digit < text.size() && text[digit] >= '1' && text[digit] <= '9';
        if (is_number) text.erase(first, digit - first);
        return std::string();
      },
      "");
  const auto empty = CLI::Validator(
      [](std::string& text) { return text.empty() ? std::string("the value is empty") : std::string(); }, "");
  for (auto* option : app.get_options()) {
    if (option->get_expected_min() == 0) continue;  // a flag
    const auto type = option->get_type_name();
    const bool is_whole = type.starts_with("INT") || type.starts_with("UINT");
    option->transform(is_whole ? plain : empty);
  }
  for (auto* sub : app.get_subcommands([](CLI::App*) { return true; })) read_values_plainly(*sub);
}

/// The mistake as one sentence; the help of the command that was meant.
Error usage_error(const CLI::App& app, const std::string& why) {
  std::string command = "paceline";
  for (const auto* used : app.get_subcommands()) command += " " + used->get_name();
  return {ErrorKind::usage, "wrong command line", one_line(why), fmt::format("`{} --help` lists the options", command)};
}

}  // namespace

Command parse(int argc, char** argv) {
  Command command;
  CLI::App app("Runs, measures and models hybrid MPI + OpenMP scaling.", "paceline");
  app.set_version_flag("--version", "paceline " PACELINE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);

  auto* info = app.add_subcommand("info", "what this build and this machine are, and where each rank is bound");
  auto* plot = app.add_subcommand("plot", "draw a result file with its axes, or studies, as PNG, SVG or PDF");
  plot->add_option("files", command.plot.inputs, "what to draw; several studies are laid over each other")
      ->required()
      ->option_text("FILE.h5 ...");
  plot->add_option("-o,--output", command.plot.output, "the picture")->required()->option_text("FILE.png|svg|pdf");
  plot->add_flag("--force", command.plot.force, "overwrite what exists");

  auto line = split_at_dashes(argc, argv);
  std::string hint;
  if (line.own.size() > 1 && line.own[1] != "study" && line.own[1] != "profile" && !line.command.empty()) {
    // What follows is no option of ours: names that begin with a dash.
    hint = "; commands after -- are for study and profile";
    line.own.emplace_back("--");
    line.own.insert(line.own.end(), line.command.begin(), line.command.end());
    line.command.clear();
  }
  command.study.command = line.command;
  command.profile.line = line.command;
  auto* study = add_study(app, command.study);
  auto* fit = add_fit(app, command.fit);
  auto* compare = add_compare(app, command.compare);
  auto* merge = add_merge(app, command.merge);
  auto* profile = add_profile(app, command.profile);
  auto* import_times = add_import(app, command.import_times);
  auto* report = add_report(app, command.report);
  auto* probe = app.add_subcommand("probe-binding", "")->group("");  // hidden: what a study starts in a program's place
  probe->add_flag("--mpi", command.probe_starts_mpi);

  // Each sub-command has options of its own, so that defaults of one don't leak into another.
  std::vector<std::pair<CLI::App*, RunOptions>> runs;
  runs.reserve(workloads().size());
  for (const auto& entry : workloads()) {
    auto* sub = app.add_subcommand(entry.name, entry.summary);
    auto& options = runs.emplace_back(sub, RunOptions{}).second;
    options.name = entry.name;
    options.workload = entry.make();
    add_workload_options(*sub, *options.workload);
    add_run_options(*sub, entry, options);
  }

  read_values_plainly(app);
  try {
    std::vector<std::string> words(line.own.rbegin(), line.own.rend());
    if (!words.empty()) words.pop_back();
    app.parse(words);
  } catch (const CLI::CallForVersion& version) {
    command.text = version.what() + std::string("\n");
    return command;
  } catch (const CLI::CallForHelp&) {
    command.text = app.help();
    return command;
  } catch (const CLI::RequiredError& error) {
    const auto rest = app.remaining();
    const bool is_unknown = app.get_subcommands().empty() && !rest.empty();
    throw usage_error(app, is_unknown ? fmt::format("there is no command {}", rest.front()) : error.what());
  } catch (const CLI::ExtrasError& error) {
    throw usage_error(app, error.what() + hint);
  } catch (const CLI::ParseError& error) {
    throw usage_error(app, error.what());
  }

  if (info->parsed()) command.kind = Command::Kind::info;
  if (plot->parsed()) command.kind = Command::Kind::plot;
  if (fit->parsed()) command.kind = Command::Kind::fit;
  if (compare->parsed()) command.kind = Command::Kind::compare;
  if (merge->parsed()) command.kind = Command::Kind::merge;
  if (import_times->parsed()) command.kind = Command::Kind::import_times;
  if (report->parsed()) command.kind = Command::Kind::report;
  if (probe->parsed()) command.kind = Command::Kind::probe;
  if (study->parsed()) {
    command.kind = Command::Kind::study;
    command.study.study_command = joined(std::vector<std::string>(argv, argv + argc));
    check_study(command.study);
  } else if (profile->parsed()) {
    command.kind = Command::Kind::profile;
    if (line.command.empty()) throw usage_error(app, "there is no launch line after --");
  }
  for (auto& [sub, options] : runs) {
    if (!sub->parsed()) continue;
    command.kind = Command::Kind::run;
    command.run = std::move(options);
    for (int i = 0; i < argc; ++i)
      command.run.command += (i > 0 ? " " : "") + quoted(i == 0 ? "paceline" : masked(argv[i]));
    if (command.run.memory_limit < 1) throw usage_error(app, "--memory-limit must be at least one byte");
    if (std::isnan(command.run.watchdog_s) || std::isnan(command.run.save_every_s)) {
      throw usage_error(app, "--watchdog, --save-every: nan is not a number of seconds");
    }
    command.run.workload->prepare();
  }
  return command;
}

}  // namespace paceline
