// The options of `paceline fit`, `paceline compare` and `paceline merge`.
#pragma once

#include "cli/command_text.hpp"
#include "study/advise/fit_command.hpp"
#include "study/merge.hpp"

namespace paceline {

/// The commands; values are parsed into `options`.
CommandText fit_command(FitOptions& options);
CommandText compare_command(CompareOptions& options);
CommandText merge_command(MergeOptions& options);

}  // namespace paceline
