// What `paceline report` and `paceline plot` hand to the scripts that write and draw: one JSON object of plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paceline {

struct ReportOptions {
  std::vector<std::filesystem::path> studies;
  std::filesystem::path output;
  std::string form = "plain";              ///< or prace, csc
  double threshold = 0.75;                 ///< efficiency that layouts should have
  std::optional<std::int64_t> production;  ///< runs of the project
  bool force = false;
};

/// Form, threshold and production, and of each study: file, facts, samples, layouts left out, and the fit as
/// json_report() tells it. Throws Error (input) for a file that is no study.
std::string report_document(const ReportOptions& options);

}  // namespace paceline
