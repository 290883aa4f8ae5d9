// The options of `paceline import` and `paceline report`.
#pragma once

#include "study/advise/report_document.hpp"
#include "study/import/import.hpp"

namespace CLI {
class App;
}

namespace paceline {

/// Declare the sub-commands; values are parsed into `options`.
CLI::App* add_import(CLI::App& app, ImportOptions& options);
CLI::App* add_report(CLI::App& app, ReportOptions& options);

}  // namespace paceline
