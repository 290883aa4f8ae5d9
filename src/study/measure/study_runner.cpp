#include "study/measure/study_runner.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "host/interrupt.hpp"
#include "study/measure/facts.hpp"
#include "study/measure/slurm_memory.hpp"
#include "study/profile/probe_setup.hpp"
#include "study/shell_words.hpp"
#include "study/study_tables.hpp"

namespace paceline {
namespace {

constexpr double probe_timeout_s = 60;

}  // namespace

void note_over_bar(const std::string& sentence) {
  fmt::print(stderr, "{}paceline: note: {}\n", isatty(STDERR_FILENO) != 0 ? "\r\033[K" : "", sentence);
  std::fflush(stderr);
}

StudyRunner::StudyRunner(const StudyOptions& options, const RunReader& reader, const Setup& setup, StudyFile& file)
    : options_(options),
      reader_(reader),
      setup_(setup),
      file_(file),
      progress_("study", planned(), progress_style(ProgressMode::automatic)) {
  for (const auto& [layout, reason] : file_.study().left_out) left_out_.insert(layout);
}

void StudyRunner::run() {
  while (const auto next = next_run(setup_.sweep, samples(), left_out_)) {
    // Once a layout and call, before it counts.
    if (gated_.insert(next->layout).second) {
      check_binding(next->layout);
      continue;
    }
    if (options_.max_minutes && watch_.seconds() > *options_.max_minutes * 60) {
      // The blocks that were asked for are missing something; more certainty is only a wish.
      if (next->warmup || next->repeat < options_.repeats) throw stopped("--max-minutes is up");
      break;
    }
    run_once(*next);
    progress_.show(std::min(static_cast<std::int64_t>(samples().size()), planned()));
  }
  for (const auto& layout : uncertain(setup_.sweep, samples(), left_out_)) {
    note_over_bar(
        fmt::format("{} is still less certain than --until-ci {:g} %", to_string(layout), *options_.until_ci * 100));
  }
}

void StudyRunner::take_slurm_memory() {
  const auto is_unknown = [](const Sample& sample) {
    return sample.status == SampleStatus::ok && sample.max_rss_bytes < 0;
  };
  auto all = samples();
  if (!is_by_srun() || std::none_of(all.begin(), all.end(), is_unknown)) return;
  if (const auto trouble = fill_step_memory(all); !trouble.empty()) {
    note_over_bar(fmt::format("no memory is known of ranks that Slurm starts: {}", trouble));
    return;
  }
  file_.set_samples(std::move(all));
}

void StudyRunner::profile(int runs) {
  if (runs == 0) return;
  for (int run = 0; run < runs; ++run) {
    for (const auto& layout : setup_.sweep.layouts) {
      if (left_out_.contains(layout) || is_given_up(layout, samples())) continue;
      const auto rows = efficiency_rows(file_.study());
      const auto done = std::count_if(rows.begin(), rows.end(), [&](const auto& r) { return r.layout == layout; });
      if (done > run) continue;
      if (options_.max_minutes && watch_.seconds() > *options_.max_minutes * 60) throw stopped("--max-minutes is up");
      profile_once(layout, rows);
    }
  }
}

std::string StudyRunner::last_trouble() const {
  if (!last_trouble_.empty()) return last_trouble_;
  if (!samples().empty()) {
    return fmt::format("all {} runs in {} were made earlier, and the last one, of {}, is {}", samples().size(),
                       options_.output.string(), to_string(samples().back().layout),
                       to_string(samples().back().status));
  }
  const auto& left_out = file_.study().left_out;
  if (left_out.empty()) return "there was none";
  return fmt::format("{} is left out: {}", to_string(left_out.back().first), left_out.back().second);
}

Error StudyRunner::stopped(const std::string& why) const {
  return {ErrorKind::interrupted, why,
          fmt::format("{} runs are saved in {}", samples().size(), options_.output.string()),
          "the same command with --resume goes on"};
}

void StudyRunner::stop() const {
  throw stopped(fmt::format("interrupted by signal {} ({})", interrupt_signal(), strsignal(interrupt_signal())));
}

ProcessResult StudyRunner::start(const Layout& layout, const std::vector<std::string>& command, double timeout_s,
                                 const std::string& step) const {
  auto line = setup_.line(layout, command);
  if (is_by_srun() && !step.empty()) line.insert(line.begin() + 1, "--job-name=" + step);
  return run_process(line, setup_.environment(layout),
                     {timeout_s, setup_.launcher.grace_s(), [] { return interrupt_signal() != 0; }});
}

void StudyRunner::check_binding(const Layout& layout) {
  if (options_.binding == Binding::trust) return;
  const bool shares = setup_.sharing(layout) == Sharing::oversubscribed;
  const auto trouble = shares ? std::optional<std::string>("more threads than cores") : probe(layout);
  if (!trouble) return;
  if (options_.binding == Binding::ignore || shares) {
    note_over_bar(fmt::format("{} runs, but fits will not use it: {}", to_string(layout), *trouble));
    unbound_.insert(layout);
    return;
  }
  note_over_bar(
      fmt::format("{} is left out: {}; --binding ignore runs it all the same, and --binding trust lets fits use it",
                  to_string(layout), *trouble));
  file_.leave_out(layout, "badly bound: " + *trouble);
  left_out_.insert(layout);
  last_trouble_ = fmt::format("{} is badly bound: {}", to_string(layout), *trouble);
}

std::optional<std::string> StudyRunner::probe(const Layout& layout) {
  std::vector<std::string> words = {own_program(), "probe-binding"};
  if (setup_.launcher.kind == Launcher::Kind::srun) words.emplace_back("--mpi");
  const auto result = start(layout, words, std::min(options_.timeout_s, probe_timeout_s));
  if (result.end == ProcessResult::End::stopped) stop();
  if (!result.is_ok()) {
    Sample sample;
    return fmt::format("its binding can't be read, {}", reader_.read(result, sample));
  }
  const int processes = setup_.launcher.starts_ranks() ? layout.ranks : 1;
  const auto found = parse_probe(result.out);
  keep_affinity(layout, found);
  return why_badly_bound(found, processes, layout.threads);
}

void StudyRunner::keep_affinity(const Layout& layout, const std::vector<ProbedProcess>& found) {
  constexpr std::size_t most_processes = 4;
  auto text = fact(file_.study().info.machine, "affinity");
  const auto head = fmt::format("{}:", to_string(layout));
  if (found.empty() || text.find(head) != std::string::npos) return;
  text += (text.empty() ? "" : "\n") + head;
  for (std::size_t p = 0; p < std::min(most_processes, found.size()); ++p) {
    for (std::size_t t = 0; t < found[p].cores.size(); ++t) {
      text +=
          fmt::format(" {} rank {} thread {} affinity {};", found[p].host, found[p].rank, t, ranges(found[p].cores[t]));
    }
  }
  if (found.size() > most_processes) text += fmt::format(" and {} more ranks", found.size() - most_processes);
  file_.set_fact("affinity", text);
}

void StudyRunner::run_once(const PlannedRun& next) {
  if (interrupt_signal() != 0) stop();
  Sample sample;
  sample.layout = next.layout;
  sample.warmup = next.warmup;
  sample.repeat = next.repeat;
  sample.order = static_cast<int>(samples().size());
  sample.bound_ok = !unbound_.contains(next.layout);
  sample.started = utc_now();
  auto result = start(next.layout, setup_.command, options_.timeout_s, step_name(sample.order));
  // What was seen then is the launcher itself.
  if (setup_.launcher.starts_ranks() && !result.has_ranks) result.rank_rss_bytes.clear();
  // A run that was under way when the study was told to stop is run again.
  if (result.end == ProcessResult::End::stopped || (interrupt_signal() != 0 && !result.is_ok())) stop();
  const auto trouble = reader_.read(result, sample);
  file_.append(sample);
  if (trouble.empty()) {
    warn_of_time(sample, result.wall_s);
    return;
  }
  last_trouble_ = trouble;
  const bool is_given_up_now = is_given_up(next.layout, samples());
  if (told_.insert(next.layout).second || is_given_up_now) {
    note_over_bar(
        fmt::format("{}: {}{}", to_string(next.layout), trouble, is_given_up_now ? "; it is not tried again" : ""));
  }
}

void StudyRunner::profile_once(const Layout& layout, std::vector<EfficiencyRow> rows) {
  if (interrupt_signal() != 0) stop();
  const ProbeFolder folder;
  // In front of the command, so that every launcher brings it to every node.
  std::vector<std::string> command = {"env"};
  for (const auto& [name, value] : probe_environment(folder.path())) command.push_back(name + "=" + value);
  command.insert(command.end(), setup_.command.begin(), setup_.command.end());
  const auto result = start(layout, command, options_.timeout_s);
  if (result.end == ProcessResult::End::stopped || (interrupt_signal() != 0 && !result.is_ok())) stop();
  Sample sample;
  sample.layout = layout;
  const auto trouble = reader_.read(result, sample);
  auto profile = make_profile(joined(setup_.command), read_records(folder.path()));
  if (!trouble.empty()) {
    profile.efficiencies.reset();
    profile.why_not = trouble;
  }
  if (!profile.efficiencies && not_profiled_.insert(layout).second) {
    note_over_bar(fmt::format("{} is not profiled: {}", to_string(layout), profile.why_not));
  }
  for (const auto& warning : profile.warnings) {
    if (told_warnings_.insert(warning).second)
      note_over_bar(fmt::format("{}, profiled: {}", to_string(layout), warning));
  }
  rows.push_back(efficiency_row(layout, sample.wall_s, profile));
  file_.set_table(efficiency_table(rows));
}

void StudyRunner::warn_of_time(const Sample& sample, double run_s) {
  if (has_warned_of_time_ || sample.wall_s <= run_s) return;
  has_warned_of_time_ = true;
  note_over_bar(fmt::format("--time-regex finds {:g} s in what a run of {:.3g} s says: is that its time, in seconds?",
                            sample.wall_s, run_s));
}

}  // namespace paceline
