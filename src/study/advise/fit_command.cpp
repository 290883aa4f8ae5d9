#include "study/advise/fit_command.hpp"

#include <fmt/format.h>

#include "study/advise/analysis.hpp"
#include "study/advise/compare.hpp"
#include "study/advise/fit_report.hpp"
#include "study/study_file.hpp"

namespace paceline {

namespace {

/// The reason that most layouts have.
std::string why_none_counts(const Analysis& analysis) {
  if (analysis.layouts.empty()) return "the study has no samples";
  const auto& row = analysis.layouts.front();
  return fmt::format("{}: {}", name_of(row.layout), row.why_not);
}

}  // namespace

ExitCode fit(const FitOptions& options) {
  const auto study = read_study(options.study);
  const auto analysis = analyse(study, options.model, options.at, {.objective = options.objective}, options.threshold);
  const auto json = json_report(analysis, study);
  fmt::print("{}", options.json ? json : text_report(analysis, study, options.study.string()));
  write_fit(options.study, json);
  if (analysis.times.used().empty()) {
    throw Error(ErrorKind::check, "no run counts, so there is nothing to fit", why_none_counts(analysis),
                "see the layouts in the report; --binding trust is for times whose binding you vouch for");
  }
  return ExitCode::done;
}

ExitCode compare(const CompareOptions& options) {
  const auto comparison = compare(read_study(options.first), read_study(options.second), options.fail_above);
  fmt::print("{}", options.json ? json_report(comparison)
                                : text_report(comparison, options.first.string(), options.second.string()));
  if (const auto slower = too_slow(comparison); !slower.empty()) {
    throw Error(ErrorKind::check, fmt::format("slower by more than {:g} %", 100 * *options.fail_above), slower,
                "find out why, or raise --fail-above");
  }
  return ExitCode::done;
}

}  // namespace paceline
