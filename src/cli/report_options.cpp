#include "cli/report_options.hpp"

#include <fmt/format.h>

#include <map>

#include "cli/percent_option.hpp"

namespace paceline {
namespace {

const std::map<std::string, TimesFormat> formats = {{"auto", TimesFormat::automatic},
                                                    {"csv", TimesFormat::csv},
                                                    {"hyperfine", TimesFormat::hyperfine},
                                                    {"reframe", TimesFormat::reframe},
                                                    {"jube", TimesFormat::jube},
                                                    {"extra-p", TimesFormat::extra_p},
                                                    {"google-benchmark", TimesFormat::google_benchmark},
                                                    {"lammps", TimesFormat::lammps},
                                                    {"gromacs", TimesFormat::gromacs}};

}  // namespace

CommandText import_command(ImportOptions& options) {
  CommandText text{"import", "make a study of times that exist, in a table, a log or a tool's results",
                   groups::measure};
  text.more =
      "Formats are recognised by what the files hold: tables separated by commas, semicolons or tabs; JSON and CSV of\n"
      "hyperfine; performance logs and reports of ReFrame; CSV and tables of JUBE; text, JSON and JSON lines of "
      "Extra-P;\n"
      "JSON of Google Benchmark; logs of LAMMPS and GROMACS. A row is a run; repeats make intervals.";
  auto& set = text.options;
  auto& wishes = options.wishes;
  set.add("files", options.files, "files with times").required().shown("FILE ...");
  set.add("-o,--output", options.output, "the study").required().shown("STUDY.h5");
  set.add_choice("--format", wishes.format, formats, "what the files are")
      .shown("auto|csv|hyperfine|reframe|jube|extra-p|google-benchmark|lammps|gromacs (auto)");
  set.add("--ranks", wishes.ranks, "the column or parameter of ranks").shown("NAME");
  set.add("--threads", wishes.threads, "that of threads per rank").shown("NAME");
  set.add("--nodes", wishes.nodes, "that of nodes").shown("NAME");
  set.add("--time", wishes.time, "that of times").shown("NAME");
  set.add("--rate", wishes.rate, "that of throughputs, whose inverse is the time").excludes("--time").shown("NAME");
  set.add_function<std::string>(
         "--unit", [&wishes](const std::string& given) { wishes.unit_s = seconds_in_unit(given); },
         "the unit of times, where the file does not tell it")
      .one_of({"s", "ms", "us", "ns", "min", "h"})
      .shown("s|ms|us|ns|min|h (s)");
  set.add_choice("--mode", options.mode, scaling_modes,
                 "the same work on every layout, or work that grows with the cores")
      .shown("strong|weak (strong)");
  set.add("--command", wishes.command, "what was timed; of several in a file, the one that is meant").shown("TEXT");
  set.add("--skip-bad", wishes.skip_bad, "leave rows out that have no time above zero, and say so");
  set.add("--force", options.force, "overwrite what exists");
  return text;
}

CommandText report_command(ReportOptions& options) {
  CommandText text{"report", "write the document of a study: table, plots, law, advice, conditions", groups::conclude};
  auto& set = text.options;
  set.add("studies", options.studies, "studies; several are laid over each other").required().shown("STUDY.h5 ...");
  set.add("-o,--output", options.output, "the document, by the kind that its name ends in")
      .required()
      .shown("FILE.html|md|tex|csv|pdf");
  set.add("--form", options.form, "all of it, or the table that PRACE's or CSC's application asks for")
      .one_of({"plain", "prace", "csc"})
      .shown("plain|prace|csc (plain)");
  add_percent(set, "--threshold", "efficiency that layouts should have", "P% (75%)",
              [&options](double share) { options.threshold = share; });
  set.add("--production", options.production, "runs of the project, for the total of core-hours")
      .from(1, std::int64_t{1} << 40)
      .shown("N");
  set.add("--force", options.force, "overwrite what exists");
  return text;
}

}  // namespace paceline
