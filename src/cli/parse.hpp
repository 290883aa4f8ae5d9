// The command line, argv -> plain values. Needs no MPI, so that a wrong option is told at once.
#pragma once

#include <filesystem>
#include <string>

#include "cli/command_text.hpp"
#include "engine/options.hpp"
#include "study/advise/fit_command.hpp"
#include "study/advise/report_document.hpp"
#include "study/import/import.hpp"
#include "study/measure/options.hpp"
#include "study/merge.hpp"
#include "study/profile/profile.hpp"

namespace paceline {

struct PlotOptions {
  std::vector<std::filesystem::path> inputs;  ///< several: studies, over each other
  std::filesystem::path output;
  bool force = false;
};

struct Command {
  enum class Kind {
    text,
    info,
    plot,
    run,
    study,
    probe,
    fit,
    compare,
    merge,
    import_times,
    report,
    profile,
    documents
  };
  Kind kind = Kind::text;
  std::string text;  ///< of --help and --version
  PlotOptions plot;
  RunOptions run;
  StudyOptions study;
  FitOptions fit;
  CompareOptions compare;
  MergeOptions merge;
  ProfileOptions profile;
  ImportOptions import_times;
  ReportOptions report;
  bool probe_starts_mpi = false;
  std::string shell;                ///< whose completion is asked for
  std::filesystem::path documents;  ///< folder for the manual and the like
};

/// Throws Error (usage).
Command parse(int argc, char** argv);

/// All commands, to be described.
std::vector<CommandText> command_texts();

}  // namespace paceline
