#include "engine/accounts.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "report/efficiency.hpp"

namespace paceline {

RunTables gather_tables(const Comm& world, const RankRow& mine, std::vector<double> busy_s, int workers,
                        int most_workers) {
  RunTables tables;
  for (const auto& rows : world.gather_all(std::vector<RankRow>{mine})) tables.ranks.push_back(rows.front());
  tables.threads = most_workers;
  busy_s.resize(static_cast<std::size_t>(most_workers), 0.0);
  std::fill(busy_s.begin() + workers, busy_s.end(), std::nan(""));
  for (const auto& busy : world.gather_all(busy_s)) {
    tables.busy_s.insert(tables.busy_s.end(), busy.begin(), busy.end());
  }
  return tables;
}

EfficiencyTree gather_efficiency(const Comm& world, const ComputeResult& computed, int workers, double region_s,
                                 double phase_s) {
  RankEffort mine{std::max(1, workers), region_s, 0, 0};
  for (const auto seconds : computed.useful_s) {
    mine.useful_s += seconds;
    mine.most_useful_s = std::max(mine.most_useful_s, seconds);
  }
  std::vector<RankEffort> all;
  for (const auto& one : world.gather_all(std::vector<RankEffort>{mine})) all.push_back(one.front());
  return efficiency_of(all, phase_s);
}

int cores_used(const Comm& world, const Comm& node, const std::vector<std::vector<int>>& bound) {
  std::set<int> cores;
  for (const auto& of_rank : bound) cores.insert(of_rank.begin(), of_rank.end());
  return world.reduce_all(node.rank() == 0 ? static_cast<int>(cores.size()) : 0, MPI_SUM);
}

}  // namespace paceline
