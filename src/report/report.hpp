// The report of a run: for people, or one JSON object.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/failures.hpp"
#include "engine/options.hpp"
#include "engine/plan.hpp"
#include "report/efficiency.hpp"
#include "storage/result_file.hpp"

namespace paceline {

/// What a run was and did, over all ranks.
struct RunSummary {
  const RunOptions* options = nullptr;
  const Parts* parts = nullptr;
  const Plan* plan = nullptr;
  RunTables tables;  ///< a row per rank
  int nodes = 1;
  int cores_used = 1;  ///< cores that any rank is bound to, all nodes together
  std::int64_t computed_items = 0;
  std::int64_t computed_bytes = 0;  ///< of the result
  std::int64_t resumed_items = 0;
  std::int64_t retried_items = 0;  ///< that had failed before
  std::string digest;
  double wall_s = 0;
  std::optional<EfficiencyTree> efficiency;  ///< nothing: workers wait
  double serial_part_s = 0;                  ///< the workload's own serial work, on rank 0
  double serial_s = 0;                       ///< all that one rank did while the others waited, that among it
  double picture_s = 0;                      ///< side outputs, on rank 0
  std::int64_t huge_bytes = 0;               ///< of the inputs in memory of all ranks, in huge pages
  double rate_alone = 0;                     ///< work per second of one core alone; 0: not measured
  std::optional<Reduced> reduced;
  std::string io_mode = "none";
  int workers = 1;    ///< of all ranks, where they wait
  Failures failures;  ///< items that came to nothing
};

std::string text_report(const RunSummary& summary);
std::string json_report(const RunSummary& summary);
/// What --dry-run prints. `bound_cores`: per rank.
std::string plan_report(const RunOptions& options, const Parts& parts, const Plan& plan,
                        const std::vector<int>& bound_cores);
/// The same as one JSON object, with --json.
std::string plan_json(const RunOptions& options, const Parts& parts, const Plan& plan,
                      const std::vector<int>& bound_cores);

}  // namespace paceline
