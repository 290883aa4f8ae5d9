// Peak memory of runs as Slurm's accounting has it, for ranks on other nodes, which only Slurm sees.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "study/sample.hpp"

namespace paceline {

/// Name of the job step of a run, by Sample::order.
std::string step_name(int order);

struct StepMemory {
  std::int64_t max_rss_bytes = -1;  ///< of the largest task; -1: not known yet
  std::int64_t sum_rss_bytes = -1;  ///< the mean of the tasks times their number
};

/// Steps by their name, from lines "NAME|MaxRSS|AveRSS|NTasks" of sacct; others are left out.
std::map<std::string, StepMemory> parse_step_memory(std::string_view lines);

/// Fills what is not known of samples that are steps of this job, waiting some seconds for accounting that comes late.
/// Says why there is none in a sentence; empty: all is well.
std::string fill_step_memory(std::vector<Sample>& samples);

}  // namespace paceline
