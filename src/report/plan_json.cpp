#include <nlohmann/json.hpp>

#include "report/report.hpp"

namespace paceline {

std::string plan_json(const RunOptions& options, const Parts& /*parts*/, const Plan& plan,
                      const std::vector<int>& bound_cores) {
  const auto& request = plan.request();
  const auto& shape = options.workload->shape();
  nlohmann::ordered_json json;
  json["workload"] = options.name;
  json["version"] = PACELINE_VERSION;
  json["command"] = options.command;
  json["dry_run"] = true;
  json["ranks"] = request.ranks;
  json["threads"] = request.threads;
  json["items"] = request.items;
  json["schedule"] = to_string(request.schedule);
  json["gather"] = to_string(request.gather);
  json["chunk"] = plan.chunk_items();
  json["bands"] = plan.bands();
  json["bytes"] = shape.bytes_in({0, request.items});
  json["memory_limit"] = request.memory_limit;
  json["held_bytes"] = plan.held_bytes();
  if (plan.feeding() != Feeding::none) {
    json["feeding"] = to_string(plan.feeding());
    json["held_input_bytes"] = plan.held_input_bytes();
  }
  json["bound_cores"] = bound_cores;
  // Null where ranks own no slab but claim chunks, or take every so many.
  auto& owned = json["own_items"];
  if (plan.owns_slabs()) {
    for (int rank = 0; rank < request.ranks; ++rank) {
      const auto own = plan.own_slab(rank);
      owned.push_back({{"begin", own.begin}, {"end", own.end}, {"bytes", shape.bytes_in(own)}});
    }
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace paceline
