// The options of `paceline fit`, `paceline compare` and `paceline merge`.
#pragma once

#include "study/advise/fit_command.hpp"
#include "study/merge.hpp"

namespace CLI {
class App;
}

namespace paceline {

/// Declare the sub-commands; values are parsed into `options`.
CLI::App* add_fit(CLI::App& app, FitOptions& options);
CLI::App* add_compare(CLI::App& app, CompareOptions& options);
CLI::App* add_merge(CLI::App& app, MergeOptions& options);

}  // namespace paceline
