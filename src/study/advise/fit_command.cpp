#include "study/advise/fit_command.hpp"

#include <fmt/format.h>

#include "storage/study_file.hpp"
#include "study/advise/analysis.hpp"
#include "study/advise/compare.hpp"
#include "study/advise/fit_report.hpp"

namespace paceline {

ExitCode fit(const FitOptions& options) {
  const auto study = read_study(options.study);
  const auto analysis = analyse(study, options.model, options.at);
  const auto json = json_report(analysis, study);
  fmt::print("{}", options.json ? json : text_report(analysis, study, options.study.string()));
  write_fit(options.study, json);
  return ExitCode::done;
}

ExitCode compare(const CompareOptions& options) {
  const auto first = read_study(options.first);
  const auto second = read_study(options.second);
  fmt::print("{}", text_report(compare(first, second), options.first.string(), options.second.string()));
  return ExitCode::done;
}

}  // namespace paceline
