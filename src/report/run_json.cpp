#include <nlohmann/json.hpp>

#include "report/figures.hpp"
#include "report/report.hpp"

namespace paceline {

using namespace figures;

std::string json_report(const RunSummary& summary) {
  const auto& options = *summary.options;
  const auto& workload = *options.workload;
  const auto& request = summary.plan->request();
  const auto traits = workload.traits();
  nlohmann::ordered_json json;
  json["workload"] = options.name;
  json["version"] = PACELINE_VERSION;
  json["command"] = options.command;
  json["ranks"] = request.ranks;
  json["threads"] = summary.parts->waiting != nullptr ? summary.tables.ranks.front().threads : request.threads;
  json["nodes"] = summary.nodes;
  json["cores"] = summary.cores_used;
  json["items"] = request.items;
  json["resumed_items"] = summary.resumed_items;
  json["schedule"] = to_string(request.schedule);
  json["gather"] = to_string(request.gather);
  json["chunk"] = summary.plan->chunk_items();
  json["bands"] = summary.plan->bands();
  json["kernel"] = traits.kernel;
  json["digest"] = summary.digest;
  json["wall_s"] = summary.wall_s;
  for (const auto& [name, seconds] : phases) json["phases"][std::string(name)] = largest(column(summary, seconds));
  json["picture_s"] = summary.picture_s;
  if (summary.parts->inputs != nullptr) {
    auto& json_inputs = json["inputs"];
    json_inputs["feeding"] = to_string(summary.plan->feeding());
    json_inputs["memory"] = summary.parts->inputs->input_memory() == InputMemory::per_node ? "shared" : "private";
    json_inputs["bytes"] =
        std::ssize(summary.parts->inputs->inputs()) * summary.parts->inputs->elements() * std::int64_t{sizeof(double)};
    json_inputs["huge_page_bytes"] = summary.huge_bytes;
    json_inputs["allocate_s"] = largest(column(summary, &RankRow::allocate_s));
    json_inputs["fill_s"] = largest(column(summary, &RankRow::fill_s));
    json_inputs["copy_s"] = largest(column(summary, &RankRow::copy_s));
  }
  json["digest_s"] = largest(column(summary, &RankRow::digest_s));
  json["compute_mean_s"] = mean(column(summary, &RankRow::compute_s));
  json["imbalance"] = imbalance(column(summary, &RankRow::compute_s));
  json["imbalance_work"] = imbalance(column(summary, &RankRow::work_executed));
  if (summary.efficiency) {
    const auto& e = *summary.efficiency;
    json["efficiency"] = {{"parallel_efficiency", e.parallel},
                          {"mpi",
                           {{"efficiency", e.mpi.efficiency},
                            {"load_balance", e.mpi.load_balance},
                            {"communication", e.mpi.communication}}},
                          {"openmp",
                           {{"efficiency", e.openmp.efficiency},
                            {"load_balance", e.openmp.load_balance},
                            {"scheduling", e.openmp.scheduling}}}};
  }
  json["serial_part_s"] = summary.serial_part_s;
  json["serial_s"] = summary.serial_s;
  const auto useful = sum(column(summary, &RankRow::work_useful));
  json["rate"] = rate(useful, traits.rate_unit, work_s(summary));
  json["rate_unit"] = traits.rate_unit.name;
  if (const auto& unit = traits.item_rate_unit; !unit.name.empty()) {
    json["item_rate"] = rate(static_cast<double>(summary.computed_items), unit, work_s(summary));
    json["item_rate_unit"] = unit.name;
  }
  json["work_useful"] = static_cast<std::uint64_t>(useful);
  json["work_executed"] = column(summary, &RankRow::work_executed);
  for (const auto& row : summary.tables.ranks) json["bound_cores"].push_back(row.bound_cores);
  for (std::size_t r = 0; r < summary.tables.ranks.size(); ++r) {
    const auto width = summary.tables.threads;
    const auto* first = summary.tables.busy_s.data() + static_cast<std::int64_t>(r) * width;
    json["thread_busy_s"].push_back(std::vector<double>(first, first + width));
  }
  if (summary.rate_alone > 0) {
    json["rate_alone"] = summary.rate_alone / traits.rate_unit.per;
    json["memory_is_the_limit"] = workers(summary) >= 2 && memory_is_the_limit(summary);
  }
  if (summary.parts->waiting != nullptr) {
    json["workers"] = summary.workers;
    json["waited_s"] = waited_s(summary);
    json["waited_over_wall"] = waited_s(summary) / summary.wall_s;
  }
  if (summary.parts->retries != nullptr) {
    json["failed_items"] = summary.failures.count;
    json["retried_items"] = summary.retried_items;
  }
  if (summary.reduced) {
    const auto& reduced = *summary.reduced;
    if (reduced.dims.empty()) {
      json["value"] = reduced.values.front();
    } else {
      json["value"] = reduced.values;
    }
    json["value_what"] = reduced.what;
  }
  json["bytes"] = workload.shape().variable ? summary.computed_bytes
                                            : static_cast<std::int64_t>(workload.shape().bytes_in({0, request.items}));
  json["io_mode"] = summary.io_mode;
  json["output"] = options.output.string();
  // A path may hold bytes that are no UTF-8.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace paceline
