// What ranks tell of themselves for the tables and the report of a run. All calls are collective.
#pragma once

#include <vector>

#include <paceline/comm.hpp>

#include "engine/compute.hpp"
#include "host/efficiency.hpp"
#include "storage/run_tables.hpp"

namespace paceline {

/// `busy_s`: of this rank's `workers`, empty where they computed nothing; `most_workers`: that any rank has.
RunTables gather_tables(const Comm& world, const RankRow& mine, std::vector<double> busy_s, int workers,
                        int most_workers);

/// Of a compute phase of `phase_s`, in which this rank's `workers` were in their region for `region_s`.
EfficiencyTree gather_efficiency(const Comm& world, const ComputeResult& computed, int workers, double region_s,
                                 double phase_s);

/// Cores that any rank is bound to, over all nodes. `bound`: those of each rank of the node.
int cores_used(const Comm& world, const Comm& node, const std::vector<std::vector<int>>& bound);

}  // namespace paceline
