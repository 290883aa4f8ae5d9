// Where a batch job of Slurm ran, for files that outlive its log.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace paceline {

/// slurm_job_id, slurm_nodes, slurm_partition, slurm_cpus_per_task and slurm_restart_count (how often the job was put
/// back into the queue), as far as Slurm tells them; nothing outside of a job.
std::vector<std::pair<std::string, std::string>> slurm_facts();

}  // namespace paceline
