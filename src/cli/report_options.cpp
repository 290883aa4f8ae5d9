#include "cli/report_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
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
const std::map<std::string, ScalingMode> modes = {{"strong", ScalingMode::strong}, {"weak", ScalingMode::weak}};

template <class Value>
CLI::Validator one_of(const std::map<std::string, Value>& names) {
  return CLI::Validator(
      [&names](std::string& text) {
        if (names.contains(text)) return std::string();
        std::vector<std::string> all;
        for (const auto& [name, value] : names) all.push_back(name);
        return fmt::format("{} is not one of {}", text, fmt::join(all, ", "));
      },
      "");
}

}  // namespace

CLI::App* add_import(CLI::App& app, ImportOptions& options) {
  auto* sub = app.add_subcommand("import", "make a study of times that exist, in a table, a log or a tool's results");
  sub->footer(
      "Formats are recognised by what the files hold: tables separated by commas, semicolons or tabs; JSON and CSV of\n"
      "hyperfine; performance logs and reports of ReFrame; CSV and tables of JUBE; text, JSON and JSON lines of "
      "Extra-P;\n"
      "JSON of Google Benchmark; logs of LAMMPS and GROMACS. A row is a run; repeats make intervals.");
  sub->add_option("files", options.files, "files with times")->required()->option_text("FILE ...");
  sub->add_option("-o,--output", options.output, "the study")->required()->option_text("STUDY.h5");
  sub->add_option_function<std::string>(
         "--format", [&options](const std::string& text) { options.wishes.format = formats.at(text); },
         "what the files are")
      ->check(one_of(formats))
      ->option_text("auto|csv|hyperfine|reframe|jube|extra-p|google-benchmark|lammps|gromacs (auto)");
  sub->add_option("--ranks", options.wishes.ranks, "the column or parameter of ranks")->option_text("NAME");
  sub->add_option("--threads", options.wishes.threads, "that of threads per rank")->option_text("NAME");
  sub->add_option("--nodes", options.wishes.nodes, "that of nodes")->option_text("NAME");
  auto* time = sub->add_option("--time", options.wishes.time, "that of times")->option_text("NAME");
  sub->add_option("--rate", options.wishes.rate, "that of throughputs, whose inverse is the time")
      ->excludes(time)
      ->option_text("NAME");
  sub->add_option_function<std::string>(
         "--unit", [&options](const std::string& text) { options.wishes.unit_s = seconds_in_unit(text); },
         "the unit of times, where the file does not tell it")
      ->check(CLI::Validator(
          [](std::string& text) {
            return seconds_in_unit(text) ? std::string() : fmt::format("{} is not one of s, ms, us, ns, min, h", text);
          },
          ""))
      ->option_text("s|ms|us|ns|min|h (s)");
  sub->add_option_function<std::string>(
         "--mode", [&options](const std::string& text) { options.mode = modes.at(text); },
         "the same work on every layout, or work that grows with the cores")
      ->check(one_of(modes))
      ->option_text("strong|weak (strong)");
  sub->add_option("--command", options.wishes.command, "what was timed; of several in a file, the one that is meant")
      ->option_text("TEXT");
  sub->add_flag("--skip-bad", options.wishes.skip_bad, "leave rows out that have no time above zero, and say so");
  sub->add_flag("--force", options.force, "overwrite what exists");
  return sub;
}

CLI::App* add_report(CLI::App& app, ReportOptions& options) {
  auto* sub = app.add_subcommand("report", "write the document of a study: table, plots, law, advice, conditions");
  sub->add_option("studies", options.studies, "studies; several are laid over each other")
      ->required()
      ->option_text("STUDY.h5 ...");
  sub->add_option("-o,--output", options.output, "the document, by the kind that its name ends in")
      ->required()
      ->option_text("FILE.html|md|tex|csv|pdf");
  sub->add_option("--form", options.form, "all of it, or the table that PRACE's or CSC's application asks for")
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool is_known = text == "plain" || text == "prace" || text == "csc";
            return is_known ? std::string() : fmt::format("{} is not one of plain, prace, csc", text);
          },
          ""))
      ->option_text("plain|prace|csc (plain)");
  add_percent(*sub, "--threshold", "efficiency that layouts should have", "P% (75%)",
              [&options](double share) { options.threshold = share; });
  sub->add_option("--production", options.production, "runs of the project, for the total of core-hours")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->option_text("N");
  sub->add_flag("--force", options.force, "overwrite what exists");
  return sub;
}

}  // namespace paceline
