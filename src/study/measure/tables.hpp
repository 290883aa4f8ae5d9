// What a study prints: its plan before anything runs, and its results.
#pragma once

#include <optional>
#include <string>

#include "study/measure/options.hpp"
#include "study/measure/setup.hpp"

namespace paceline {

/// What --dry-run prints: layouts, launcher lines, runs, and the core-hours with what they rest on: the times in
/// `known` (a study of the same command), or the time-out.
std::string plan_text(const StudyOptions& options, const Setup& setup, const std::optional<Study>& known);

/// The final table: a line per layout with its runs, the median and its interval, and what was left out or failed.
std::string result_text(const Study& study, const std::filesystem::path& path);

}  // namespace paceline
