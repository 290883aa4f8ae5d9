#include "study/measure/setup.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <paceline/error.hpp>

#include "host/launch.hpp"
#include "host/secrets.hpp"
#include "study/measure/facts.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

void refuse_inside_mpi() {
  const auto here = launched();
  // A shell of `srun --pty` is a good place for a study.
  if (!here || (here->is_step && here->ranks == 1)) return;
  throw Error(ErrorKind::usage, "a study can't run inside an MPI job", fmt::format("{} is set", here->variable),
              "start it without mpirun or srun: it starts the ranks itself");
}

/// A paceline that no PATH leads to is this one.
std::vector<std::string> resolved(std::vector<std::string> command) {
  if (command.front() == "paceline" && find_program("paceline").empty()) command.front() = own_program();
  return command;
}

void check_program(const Setup& setup) {
  const auto& words = setup.launcher.template_words;
  const bool is_known = setup.launcher.kind != Launcher::Kind::custom || words.front() == "{command}";
  const auto name = filled_in(is_known ? setup.command.front() : words.front(), setup.sweep.layouts.front());
  if (find_program(name).empty()) {
    throw Error(ErrorKind::usage, fmt::format("can't run {}", name),
                name.find('/') == std::string::npos ? "there is no such program in PATH" : "there is no such program",
                "give the path of a program after --");
  }
}

/// Layouts that were suggested before, and the first of those that are now.
void add_suggested(Setup& setup, const StudyOptions& options) {
  auto& layouts = setup.sweep.layouts;
  const auto add = [&](const Layout& layout) {
    const bool is_there = std::find(layouts.begin(), layouts.end(), layout) != layouts.end();
    const bool fits = !why_impossible(layout, setup.resources) &&
                      (!why_too_large(layout, setup.resources) || options.binding == Binding::trust);
    if (is_there || !fits) return false;
    layouts.push_back(layout);
    setup.suggested.push_back(layout);
    return true;
  };
  for (const auto& layout : options.kept_layouts) add(layout);
  int added = 0;
  for (const auto& layout : options.suggestions) {
    if (added < options.suggested && add(layout)) ++added;
  }
  if (options.suggested > 0 && added == 0) {
    throw Error(ErrorKind::usage, "no layout is suggested that can run here",
                options.suggestions.empty() ? "the law is resolved, or nothing counts"
                                            : fmt::format("the cheapest is {}", to_string(options.suggestions.front())),
                "see what `paceline fit` says; more cores or nodes may be needed");
  }
}

}  // namespace

std::string own_program() {
  std::error_code code;
  return std::filesystem::read_symlink("/proc/self/exe", code).string();
}

Sharing Setup::sharing(const Layout& layout) const {
  return oversubscribed.contains(layout) ? Sharing::oversubscribed : Sharing::none;
}

std::vector<std::string> Setup::line(const Layout& layout) const { return line(layout, command); }

std::vector<std::string> Setup::line(const Layout& layout, const std::vector<std::string>& other) const {
  return launch_line(launcher, layout, sharing(layout), other);
}

Environment Setup::environment(const Layout& layout) const {
  return launch_environment(launcher, layout, sharing(layout), is_root);
}

Setup set_up(const StudyOptions& options, const RunReader& reader) {
  refuse_inside_mpi();
  Setup setup;
  setup.machine = read_machine();
  setup.is_root = geteuid() == 0;
  const auto command = resolved(options.command);
  const auto first =
      filled_in(command.front(), {options.ranks.front(), options.threads.front(), options.nodes.front()});
  setup.launcher = find_launcher(options.launcher, std::max(1, setup.machine.hardware_threads / setup.machine.cores),
                                 find_program(first));
  const auto allowed = setup.machine.usable_cores();
  setup.resources = find_resources(setup.launcher, allowed, [](const char* name) { return std::getenv(name); });
  if (setup.machine.quota && setup.resources.where == "this machine") {
    setup.resources.where += fmt::format(" (control groups allow {:.3g} cores)", *setup.machine.quota);
  }
  setup.sweep.warmup = options.warmup;
  setup.sweep.repeats = options.repeats;
  setup.sweep.seed = options.seed;
  setup.sweep.until_ci = options.until_ci;
  setup.sweep.most_repeats = std::max(setup.sweep.most_repeats, options.repeats);
  for (const auto& layout : product(options.ranks, options.threads, options.nodes)) {
    auto reason = why_impossible(layout, setup.resources);
    const auto too_large = why_too_large(layout, setup.resources);
    if (!reason && !options.oversubscribe && options.binding != Binding::trust) reason = too_large;
    if (reason) {
      setup.infeasible.emplace_back(layout, *reason);
      continue;
    }
    setup.sweep.layouts.push_back(layout);
    if (too_large && options.oversubscribe) setup.oversubscribed.insert(layout);
  }
  add_suggested(setup, options);
  if (setup.sweep.layouts.empty()) {
    const auto& [layout, reason] = setup.infeasible.front();
    throw Error(ErrorKind::usage, "no layout can run", fmt::format("{}: {}", to_string(layout), reason),
                "ask for fewer ranks or threads, or give --oversubscribe");
  }
  setup.command = reader.command(command);
  check_program(setup);
  return setup;
}

StudyInfo describe(const StudyOptions& options, const Setup& setup) {
  StudyInfo info;
  info.command = masked(joined(options.command));
  info.launcher = masked(setup.launcher.name);
  info.mode = options.mode;
  info.machine = machine_facts(setup.machine);
  std::vector<std::string> asked, lines;
  for (const auto& layout : product(options.ranks, options.threads, options.nodes)) {
    asked.push_back(fmt::format("{}x{}x{}", layout.ranks, layout.threads, layout.nodes));
  }
  for (const auto& layout : setup.sweep.layouts) {
    std::string variables;
    for (const auto& [name, value] : setup.environment(layout)) variables += fmt::format("{}={} ", name, value);
    lines.push_back(variables + joined(setup.line(layout)));
  }
  const auto add = [&](const char* name, const std::string& value) { info.machine.emplace_back(name, masked(value)); };
  add("layouts", fmt::format("{}", fmt::join(asked, " ")));
  add("launcher_version", setup.launcher.version);
  add("launcher_lines", fmt::format("{}", fmt::join(lines, "\n")));
  add("seed", std::to_string(options.seed));
  add("warmup", std::to_string(options.warmup));
  add("binding", to_string(options.binding));
  add("oversubscribe", options.oversubscribe ? "yes" : "no");
  add("time_regex", options.time_regex);
  add("digest_regex", options.digest_regex);
  add("study_command", options.study_command);
  return info;
}

void check_same(const StudyInfo& here, const StudyInfo& there, const std::filesystem::path& path) {
  const auto check = [&](const std::string& what, const std::string& in_file, const std::string& now) {
    if (in_file == now) return;
    throw Error(ErrorKind::input, fmt::format("{} belongs to another study", path.string()),
                fmt::format("{} is {} there and {} here", what, quoted(in_file), quoted(now)),
                "give the options of that study, or start again with --force");
  };
  check("the command", there.command, here.command);
  check("--launcher", there.launcher, here.launcher);
  check("--mode", name_of(there.mode), name_of(here.mode));
  for (const auto& [name, what] :
       {std::pair("layouts", "the set of layouts (ranks x threads x nodes)"), std::pair("seed", "--seed"),
        std::pair("warmup", "--warmup"), std::pair("oversubscribe", "--oversubscribe"),
        std::pair("binding", "--binding"), std::pair("time_regex", "--time-regex"),
        std::pair("digest_regex", "--digest-regex"), std::pair("cpu_model", "the CPU"),
        std::pair("cores", "the machine's number of cores")}) {
    check(what, fact(there.machine, name), fact(here.machine, name));
  }
}

}  // namespace paceline
