// The options of every workload's command: its own, and those of any run.
#pragma once

#include "cli/command_text.hpp"
#include "engine/options.hpp"

namespace paceline {

/// The command of options.workload; values are parsed into `options`.
CommandText run_command(const WorkloadEntry& entry, RunOptions& options);

}  // namespace paceline
