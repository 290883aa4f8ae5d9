#include "cli/study_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <limits>

#include <paceline/error.hpp>

#include "cli/parse.hpp"
#include "host/launch.hpp"
#include "study/measure/outcome.hpp"
#include "study/measure/process.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

const std::map<std::string, Binding> bindings{
    {"check", Binding::check}, {"ignore", Binding::ignore}, {"trust", Binding::trust}};

/// "2%" -> 0.02
std::string read_percent(const std::string& text, std::optional<double>& value) {
  double percent = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), percent);
  const std::string rest(end, text.data() + text.size());
  if (code != std::errc() || (rest != "%" && rest != " %") || !(percent > 0) || !(percent < 100)) {
    return fmt::format("{} is not a percentage between 0% and 100%", text);
  }
  value = percent / 100;
  return {};
}

/// "1,2,4", each from 1 to `most`, added to `values`.
std::string read_list(const std::string& text, int most, std::vector<int>& values) {
  const char* const end = text.data() + text.size();
  for (const char* at = text.data();; ++at) {
    int value = 0;
    const auto [rest, code] = std::from_chars(at, end, value);
    if (code != std::errc() || value < 1 || value > most || (rest != end && *rest != ',')) {
      return fmt::format("{} is not a list of numbers from 1 to {}, like 1,2,4", text, most);
    }
    values.push_back(value);
    if (rest == end) return {};
    at = rest;
  }
}

/// A time of more than nothing and at most a year, which is `year` in its unit.
Option::Check lasting(double year, const std::string& unit) {
  return [year, unit](const std::string& text) {
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc() && end == text.data() + text.size() && value > 0 && value <= year) return std::string();
    return fmt::format("{} is not a number of {} above 0 and up to {:.0f}, a year", text, unit, year);
  };
}

/// Each text is a list, "1,2,4"; all together are `values`.
void add_list(OptionSet& set, const char* name, std::vector<int>& values, const char* help, int most) {
  set.add_function<std::vector<std::string>>(
         name,
         [&values, most](const std::vector<std::string>& texts) {
           values.clear();
           for (const auto& one : texts) read_list(one, most, values);
         },
         help)
      .checked([most](const std::string& text) {
        std::vector<int> dropped;
        return read_list(text, most, dropped);
      })
      .shown("N,N,... (1)");
}

Error no_study(const std::string& what, const std::string& why, const std::string& suggestion) {
  return {ErrorKind::usage, what, why, suggestion};
}

/// A command line of ours, as it will be run on the first layout.
Command parse_command(const StudyOptions& options) {
  auto words = filled_in(options.command, {options.ranks.front(), options.threads.front(), options.nodes.front()});
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse(static_cast<int>(words.size()), argv.data());
}

bool is_this_program(const std::string& word) {
  if (word == "paceline" && find_program(word).empty()) return true;
  std::error_code code;
  return std::filesystem::equivalent(find_program(word), "/proc/self/exe", code);
}

}  // namespace

SplitLine split_at_dashes(int argc, char** argv) {
  SplitLine line;
  bool is_command = false;
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    if (!is_command && word == "--") {
      is_command = true;
    } else {
      (is_command ? line.command : line.own).push_back(word);
    }
  }
  return line;
}

CommandText study_command(StudyOptions& options) {
  CommandText text{"study", "run a program on many layouts, and keep its times", groups::measure};
  text.operand = "COMMAND";
  text.more =
      "COMMAND is any program: `paceline fractal ...`, whose record is read, or your own, whose wall time is taken or\n"
      "found in its output. In it and in a TEMPLATE, {ranks} {threads} {nodes} {scale} are filled in (scale is\n"
      "ranks x threads, for weak scaling); a TEMPLATE also has {command}: --launcher 'mpirun -np {ranks} {command}';\n"
      "for {name} itself it has {{name}}.";
  auto& set = text.options;
  set.add("-o,--output", options.output, "the study's file").required().shown("STUDY.h5");
  add_list(set, "--ranks", options.ranks, "numbers of ranks, all nodes together", 1 << 24);
  add_list(set, "--threads", options.threads, "numbers of OpenMP threads per rank", most_threads);
  add_list(set, "--nodes", options.nodes, "numbers of nodes", 1 << 20);
  set.add_choice("--mode", options.mode, scaling_modes,
                 "the same work on every layout, or work that grows with {scale}")
      .shown("strong|weak (strong)");
  set.add("--warmup", options.warmup, "runs of each layout that are dropped").from(0, 1000).shown("N (1)");
  set.add("--repeats", options.repeats, "runs of each layout that count").from(1, 100000).shown("N (5)");
  set.add_function<std::string>(
         "--until-ci", [&options](const std::string& given) { read_percent(given, options.until_ci); },
         "then repeat until the 95 % interval of each median is that narrow")
      .checked([](const std::string& given) {
        std::optional<double> dropped;
        return read_percent(given, dropped);
      })
      .shown("P%");
  set.add("--max-minutes", options.max_minutes, "start no new run after so many minutes")
      .checked(lasting(365 * 24 * 60, "minutes"))
      .shown("M");
  set.add("--timeout", options.timeout_s, "end a run that takes longer")
      .checked(lasting(365 * 24 * 3600, "seconds"))
      .shown("SECONDS (3600)");
  set.add("--seed", options.seed, "seed of the order in which layouts are run")
      .from(0, std::numeric_limits<std::int64_t>::max())
      .shown("S (1)");
  set.add("--launcher", options.launcher, "auto, mpirun, srun or a TEMPLATE; '{command}' starts it without a launcher")
      .shown("NAME (auto)");
  set.add("--oversubscribe", options.oversubscribe, "run layouts with more threads than cores, too");
  set.add_choice(
         "--binding", options.binding, bindings,
         "leave out layouts whose threads must share cores; run them, but let no fit use them; or check nothing: "
         "you vouch that each thread has a core, for ranks on another machine or simulated times")
      .shown("check|ignore|trust (check)");
  set.add("--time-regex", options.time_regex,
          "its first group is the time in seconds, in the last line that matches (RE2 syntax)")
      .shown("RE");
  set.add("--digest-regex", options.digest_regex, "its first group must be the same for all layouts").shown("RE");
  set.add_function<std::vector<std::string>>(
         "--ignore-exit-code",
         [&options](const std::vector<std::string>& texts) {
           std::vector<int> codes;
           for (const auto& one : texts) read_list(one, 255, codes);
           options.ignored_exit_codes = {codes.begin(), codes.end()};
         },
         "exit codes of COMMAND that are as good as 0")
      .checked([](const std::string& given) {
        std::vector<int> dropped;
        return read_list(given, 255, dropped);
      })
      .shown("N,N,...");
  set.add("--force", options.force, "overwrite what exists");
  set.add("--resume", options.resume, "go on with an interrupted study").excludes("--force");
  set.add("--profile", options.profile,
          "run each layout N more times under the probe, and keep where its cores go; these runs are not timed")
      .from(1, 1000)
      .shown("N");
  set.add("--suggested", options.suggested,
          "measure also the N cheapest layouts that would resolve the law, as fit names them (with --resume)")
      .from(1, 100)
      .shown("N");
  set.add("--dry-run", options.dry_run, "print layouts, launcher lines and core-hours, and run nothing");
  return text;
}

void check_study(const StudyOptions& options) {
  if (options.command.empty()) {
    throw no_study("there is nothing to study", "COMMAND is missing",
                   "give it after --, for example: paceline study -o s.h5 --ranks 1,2 -- paceline fractal");
  }
  if (options.suggested > 0 && !options.resume) {
    throw no_study("--suggested goes on from a study", "--resume is missing",
                   "measure some layouts first, then add both");
  }
  const RunReader checks_expressions(options);
  if (!is_paceline(options.command) || !is_this_program(options.command.front())) return;

  const auto command = parse_command(options);
  const auto text = joined(options.command);
  if (command.kind != Command::Kind::run) {
    throw no_study(fmt::format("{} is nothing to study", text), "it is not a workload",
                   "study for example paceline fractal");
  }
  if (may_lack_scale(options)) {
    throw no_study(fmt::format("{} is the same work on every layout", text), "--mode weak wants work that grows",
                   "put {scale} where its size stands, for example paceline tasks --count {scale}00");
  }
  const auto& run = command.run;
  if (run.dry_run) throw no_study(fmt::format("{} is nothing to study", text), "--dry-run computes nothing", "drop it");
  if (run.resume) {
    throw no_study(fmt::format("{} is nothing to study", text), "with --resume only its first run would compute",
                   "give --force instead, so that each run writes its file anew");
  }
  const auto* drawn = run.workload->parts().drawn_files;
  const auto sides = drawn == nullptr ? std::vector<std::filesystem::path>{} : drawn->drawn_paths();
  if (!run.force && (!run.output.empty() || !sides.empty())) {
    throw no_study(
        fmt::format("only the first run could write {}", (run.output.empty() ? sides.front() : run.output).string()),
        "each run of the study writes it", "add --force to COMMAND, or drop the output");
  }
}

}  // namespace paceline
