#include "study/advise/report_document.hpp"

#include <nlohmann/json.hpp>

#include "study/advise/analysis.hpp"
#include "study/advise/fit_report.hpp"
#include "study/study_file.hpp"
#include "study/study_tables.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

Json layout_json(const Layout& layout) {
  return {{"ranks", layout.ranks}, {"threads", layout.threads}, {"nodes", layout.nodes}};
}

Json sample_json(const Sample& sample) {
  auto json = layout_json(sample.layout);
  json["repeat"] = sample.repeat;
  json["order"] = sample.order;
  json["warmup"] = sample.warmup;
  json["wall_s"] = sample.wall_s;
  json["init_s"] = sample.phases.init_s;
  json["plan_s"] = sample.phases.plan_s;
  json["scatter_s"] = sample.phases.scatter_s;
  json["compute_s"] = sample.phases.compute_s;
  json["gather_s"] = sample.phases.gather_s;
  json["write_s"] = sample.phases.write_s;
  json["compute_mean_s"] = sample.phases.compute_mean_s;
  json["serial_s"] = sample.phases.serial_s;
  json["max_rss_bytes"] = sample.max_rss_bytes;
  json["sum_rss_bytes"] = sample.sum_rss_bytes;
  json["status"] = to_string(sample.status);
  json["bound_ok"] = sample.bound_ok;
  return json;
}

Json study_json(const std::filesystem::path& path, double threshold) {
  const auto study = read_study(path);
  const auto analysis = analyse(study, "auto", std::nullopt, {}, threshold);
  Json json;
  json["file"] = path.string();
  json["command"] = study.info.command;
  json["launcher"] = study.info.launcher;
  json["mode"] = name_of(study.info.mode);
  json["facts"] = Json::object();
  for (const auto& [name, value] : study.info.machine) json["facts"][name] = value;
  json["samples"] = Json::array();
  for (const auto& sample : study.samples) json["samples"].push_back(sample_json(sample));
  json["left_out"] = Json::array();
  for (const auto& [layout, reason] : study.left_out) {
    auto entry = layout_json(layout);
    entry["reason"] = reason;
    json["left_out"].push_back(std::move(entry));
  }
  json["fit"] = Json::parse(json_report(analysis, study));
  return json;
}

}  // namespace

std::string report_document(const ReportOptions& options) {
  Json json;
  json["software"] = "paceline " PACELINE_VERSION;
  json["form"] = options.form;
  json["threshold"] = options.threshold;
  json["production"] = options.production ? Json(*options.production) : Json();
  json["studies"] = Json::array();
  for (const auto& path : options.studies) json["studies"].push_back(study_json(path, options.threshold));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace paceline
