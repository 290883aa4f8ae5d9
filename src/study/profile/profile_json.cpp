#include <nlohmann/json.hpp>

#include "study/profile/profile.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<MpiEfficiency>& mpi) {
  if (!mpi) return {};
  return {{"efficiency", mpi->efficiency}, {"load_balance", mpi->load_balance}, {"communication", mpi->communication}};
}

Json json_of(const std::optional<OpenMpEfficiency>& openmp) {
  if (!openmp) return {};
  return {{"efficiency", openmp->efficiency},
          {"serial", openmp->serial},
          {"load_balance", openmp->load_balance},
          {"scheduling", openmp->scheduling}};
}

Json json_of(const ProcessRecord& record) {
  return {{"rank", record.rank < 0 ? Json() : Json(record.rank)},
          {"host", record.host},
          {"threads", record.threads},
          {"useful_s", record.useful_s},
          {"mpi_s", record.mpi_s},
          {"openmp_wait_s", record.imbalance_s + record.scheduling_s},
          {"serial_idle_s", std::max(0.0, record.serial_idle_s())},
          {"cpu_s", record.cpu_s},
          {"max_rss_bytes", record.max_rss_bytes}};
}

Json calls_of(const std::vector<ProcessRecord>& records) {
  Json json;
  for (std::size_t i = 0; i < call_classes.size(); ++i) {
    CallTotals sum;
    for (const auto& record : records) {
      sum.calls += record.calls[i].calls;
      sum.bytes += record.calls[i].bytes;
      sum.seconds += record.calls[i].seconds;
    }
    json[std::string(call_classes[i])] = {{"calls", sum.calls}, {"bytes", sum.bytes}, {"seconds", sum.seconds}};
  }
  return json;
}

}  // namespace

std::string profile_json(const Profile& profile) {
  const auto& found = profile.efficiencies;
  Json json;
  json["command"] = profile.command;
  json["ranks"] = profile.ranks > 0 ? Json(profile.ranks) : Json();
  json["threads"] = profile.threads > 0 ? Json(profile.threads) : Json();
  json["elapsed_s"] = found ? Json(found->elapsed_s) : Json();
  json["parallel_efficiency"] = found ? Json(found->parallel) : Json();
  json["mpi"] = found ? json_of(found->mpi) : Json();
  json["openmp"] = found ? json_of(found->openmp) : Json();
  json["per_rank"] = Json::array();
  for (const auto& record : profile.processes) json["per_rank"].push_back(json_of(record));
  json["mpi_calls"] = calls_of(profile.processes);
  json["not_measured"] = found ? Json() : Json(profile.why_not);
  json["warnings"] = profile.warnings;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace paceline
