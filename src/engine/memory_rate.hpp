// Is the memory the limit? One core alone against all of them together, on the same data in the same run.
#pragma once

#include <paceline/comm.hpp>

#include "engine/inputs.hpp"
#include "engine/plan.hpp"
#include "workloads/workload.hpp"

namespace paceline {

/// Work per second of one thread while all others of its node wait: the first rank of each node computes some of its
/// items again, into memory of its own. The highest of all nodes, the same on every rank; 0 where that tells nothing:
/// inputs that are not resident, or so little data that caches hold it. Collective over `world`.
double rate_alone(const Comm& world, const Comm& node, const Plan& plan, const Workload& workload, const Inputs& inputs,
                  std::int64_t cache_bytes);

}  // namespace paceline
