// The options of `paceline import` and `paceline report`.
#pragma once

#include "cli/command_text.hpp"
#include "study/advise/report_document.hpp"
#include "study/import/import.hpp"

namespace paceline {

/// The commands; values are parsed into `options`.
CommandText import_command(ImportOptions& options);
CommandText report_command(ReportOptions& options);

}  // namespace paceline
