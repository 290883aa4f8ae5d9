#include "cli/parse.hpp"

#include <cmath>

#include <paceline/error.hpp>

#include "cli/completion.hpp"
#include "cli/fit_options.hpp"
#include "cli/profile_options.hpp"
#include "cli/reader.hpp"
#include "cli/report_options.hpp"
#include "cli/run_options.hpp"
#include "cli/study_options.hpp"
#include "host/secrets.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

CommandText plot_command(PlotOptions& options) {
  CommandText text{"plot", "draw a result file with its axes, or studies, as PNG, SVG or PDF", groups::conclude};
  auto& set = text.options;
  set.add("files", options.inputs, "what to draw; several studies are laid over each other")
      .required()
      .shown("FILE.h5 ...");
  set.add("-o,--output", options.output, "the picture").required().shown("FILE.png|svg|pdf");
  set.add("--force", options.force, "overwrite what exists");
  return text;
}

CommandText completion_command(std::string& shell) {
  CommandText text{"completion", "print what makes Tab complete commands, options and values in your shell",
                   groups::look};
  text.more =
      "An installed package has these files in place. Else: source <(paceline completion bash) in ~/.bashrc,\n"
      "paceline completion zsh > DIR/_paceline with DIR in $fpath, or\n"
      "paceline completion fish > ~/.config/fish/completions/paceline.fish";
  text.options.add("shell", shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"}).shown("SHELL");
  return text;
}

/// What the build calls to make the manual and the completion files of an installation.
CommandText documents_command(std::filesystem::path& folder) {
  CommandText text{"write-documents", "", ""};
  text.options.add("folder", folder, "").required();
  return text;
}

/// What a study starts in a program's place.
CommandText probe_command(bool& starts_mpi) {
  CommandText text{"probe-binding", "", ""};
  text.options.add("--mpi", starts_mpi, "");
  return text;
}

/// Each command with what it is parsed into, in the order of --help. Each has options of its own, so that defaults of
/// one don't leak into another.
struct Commands {
  std::vector<CommandText> texts;
  std::vector<Command::Kind> kinds;
  std::vector<RunOptions> runs;  ///< of the first texts

  explicit Commands(Command& command) {
    using Kind = Command::Kind;
    runs.resize(workloads().size());
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto& entry = workloads()[i];
      runs[i].name = entry.name;
      runs[i].workload = entry.make();
      add(Kind::run, run_command(entry, runs[i]));
    }
    add(Kind::study, study_command(command.study));
    add(Kind::profile, profile_command(command.profile));
    add(Kind::import_times, import_command(command.import_times));
    add(Kind::merge, merge_command(command.merge));
    add(Kind::fit, fit_command(command.fit));
    add(Kind::compare, compare_command(command.compare));
    add(Kind::report, report_command(command.report));
    add(Kind::plot, plot_command(command.plot));
    add(Kind::info, {"info", "what this build and this machine are, and where each rank is bound", groups::look});
    add(Kind::text, completion_command(command.shell));
    add(Kind::documents, documents_command(command.documents));
    add(Kind::probe, probe_command(command.probe_starts_mpi));
  }

 private:
  void add(Command::Kind kind, CommandText text) {
    kinds.push_back(kind);
    texts.push_back(std::move(text));
  }
};

RunOptions checked(RunOptions run, int argc, char** argv) {
  run.command = "paceline";
  for (int i = 1; i < argc; ++i) run.command.append(" ").append(quoted(masked(argv[i])));
  if (run.memory_limit < 1) throw usage_error(run.name, "--memory-limit must be at least one byte");
  if (std::isnan(run.watchdog_s) || std::isnan(run.save_every_s)) {
    throw usage_error(run.name, "--watchdog, --save-every: nan is not a number of seconds");
  }
  run.workload->prepare();
  return run;
}

}  // namespace

std::vector<CommandText> command_texts() {
  // Options refer to both.
  static Command command;
  static const Commands commands(command);
  return commands.texts;
}

Command parse(int argc, char** argv) {
  auto line = split_at_dashes(argc, argv);
  std::string hint;
  if (line.own.size() > 1 && line.own[1] != "study" && line.own[1] != "profile" && !line.command.empty()) {
    // What follows is no option of ours: names that begin with a dash.
    hint = "; commands after -- are for study and profile";
    line.own.emplace_back("--");
    line.own.insert(line.own.end(), line.command.begin(), line.command.end());
    line.command.clear();
  }
  Command command;
  command.study.command = line.command;
  command.profile.line = line.command;
  Commands commands(command);
  if (!line.own.empty()) line.own.erase(line.own.begin());
  const auto read_line = read(commands.texts, line.own, hint);
  if (read_line.command == nullptr) {
    command.text = read_line.text;
    return command;
  }
  const auto index = static_cast<std::size_t>(read_line.command - commands.texts.data());
  command.kind = commands.kinds[index];
  switch (command.kind) {
    case Command::Kind::run: command.run = checked(std::move(commands.runs[index]), argc, argv); break;
    case Command::Kind::study:
      command.study.study_command = joined(std::vector<std::string>(argv, argv + argc));
      check_study(command.study);
      break;
    case Command::Kind::profile:
      if (line.command.empty()) throw usage_error("profile", "there is no launch line after --");
      break;
    case Command::Kind::text: command.text = completion_script(command.shell, commands.texts); break;
    default: break;
  }
  return command;
}

}  // namespace paceline
