// A run, end to end: options -> plan -> scatter -> compute -> gather -> write -> report.
#pragma once

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

#include "engine/options.hpp"
#include "host/clock.hpp"
#include "host/exit_code.hpp"

namespace paceline {

/// Collective over `world`. The report goes to stdout of rank 0. Throws AgreedError; ends the job for an error of one
/// rank alone. `since_start` runs since the process was started.
ExitCode run(const Comm& world, const RunOptions& options, const Stopwatch& since_start);

}  // namespace paceline
