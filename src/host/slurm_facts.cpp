#include "host/slurm_facts.hpp"

#include <cstdlib>

namespace paceline {

std::vector<std::pair<std::string, std::string>> slurm_facts() {
  if (std::getenv("SLURM_JOB_ID") == nullptr) return {};
  std::vector<std::pair<std::string, std::string>> facts;
  const auto add = [&](const char* name, const char* variable, const char* otherwise = nullptr) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') value = otherwise;
    if (value != nullptr) facts.emplace_back(name, value);
  };
  add("slurm_job_id", "SLURM_JOB_ID");
  add("slurm_nodes", "SLURM_JOB_NODELIST");
  add("slurm_partition", "SLURM_JOB_PARTITION");
  // Set only where the job asks for it.
  add("slurm_cpus_per_task", "SLURM_CPUS_PER_TASK", "1");
  // Not set in a job's first start.
  add("slurm_restart_count", "SLURM_RESTART_COUNT", "0");
  return facts;
}

}  // namespace paceline
