// A study: layouts -> runs -> samples in a file. It starts no MPI itself; a launcher starts each run.
#pragma once

#include <paceline/error.hpp>

#include "host/exit_code.hpp"
#include "study/measure/options.hpp"

namespace paceline {

/// Runs the study, or with --dry-run says what it would do. Returns done, or check when digests differ. Throws Error;
/// code interrupted when a signal or --max-minutes stopped it, after which --resume goes on.
ExitCode study(const StudyOptions& options);

}  // namespace paceline
