// A program with our own standard streams, for as long as it takes.
#pragma once

#include <string>
#include <vector>

#include "study/measure/process.hpp"

namespace paceline {

enum class OutputTo { standard_output, standard_error };

/// Runs the program to its end; it reads and prints as if a shell had started it. What is sent to this process to end
/// it is passed on. Throws Error (usage) when it can't be started.
ProcessResult run_attached(const std::vector<std::string>& words, const Environment& environment, OutputTo output);

}  // namespace paceline
