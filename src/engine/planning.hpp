// From options and a workload to a plan: what all ranks must agree on first.
#pragma once

#include <paceline/comm.hpp>

#include "engine/options.hpp"
#include "engine/plan.hpp"
#include "host/machine.hpp"

namespace paceline {

/// Collective. The most threads that any rank was given: the environment may differ between nodes. `bound`: the cores
/// of each rank of the node.
int agreed_threads(const Comm& world, const Machine& machine, const std::vector<std::vector<int>>& bound, int asked);

/// Brings what only rank 0 can read to all. Collective; errors are agreed upon. Null: nothing is.
void read_root_input(const Comm& world, RootInput* input, std::int64_t memory_limit);

/// `threads`: the most that any rank has. Collective; errors are agreed upon.
Plan make_plan(const Comm& world, const Comm& node, const RunOptions& options, const Parts& parts, int threads);

}  // namespace paceline
