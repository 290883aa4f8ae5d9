#include <nlohmann/json.hpp>

#include "study/advise/fit_report.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

/// NaN becomes null.
Json json_of(const Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

/// Nodes are told where a study has several.
Json json_of(const Layout& layout, bool with_nodes) {
  Json json = {{"ranks", layout.ranks}, {"threads", layout.threads}};
  if (with_nodes) json["nodes"] = layout.nodes;
  return json;
}

Json json_of(const ModelFit& fit) {
  Json json;
  for (std::size_t k = 0; k < fit.parameters.size(); ++k) {
    json[std::string(fit.model->parameters[k].name)] = json_of(fit.parameters[k]);
  }
  json["aicc"] = fit.aicc;
  json["misfit"] = fit.rms;
  json["misfit_p"] = fit.misfit_p;
  return json;
}

Json json_of(const Loss& loss, bool with_nodes) {
  constexpr const char* sources[] = {"phases", "law", "nothing"};
  Json json = json_of(loss.layout, with_nodes);
  json["core_s"] = loss.lost_core_s;
  json["source"] = sources[static_cast<int>(loss.source)];
  return json;
}

/// Null where a layout was not profiled.
Json json_of(const LayoutEfficiency& layout) {
  const auto& row = layout.row;
  if (layout.runs == 0) return {{"runs", 0}, {"not_measured", row.why_not}};
  Json json = {{"runs", layout.runs}, {"parallel_efficiency", row.parallel}};
  for (const auto& factor : efficiency_factors()) json[factor.name] = row.*factor.value;
  json["computation"] = layout.computation;
  json["useful_s"] = row.useful_s;
  json["probed_s"] = layout.probed_wall_s;
  json["fell_most"] = layout.fell_most.empty() ? Json() : Json(layout.fell_most);
  return json;
}

std::string fact_of(const Study& study, const std::string& name) {
  for (const auto& [key, value] : study.info.machine) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

std::string json_report(const Analysis& analysis, const Study& study) {
  bool with_nodes = false;
  for (const auto& row : analysis.layouts) with_nodes = with_nodes || row.layout.nodes > 1;
  const auto layouts_of = [&](const std::vector<Layout>& layouts) {
    Json list = Json::array();
    for (const auto& layout : layouts) list.push_back(json_of(layout, with_nodes));
    return list;
  };

  Json json;
  json["command"] = study.info.command;
  json["binding"] = fact_of(study, "binding");
  json["mode"] = name_of(study.info.mode);
  json["models"] = Json::object();
  for (const auto& fit : analysis.fits) json["models"][std::string(fit.model->name)] = json_of(fit);
  json["not_fitted"] = Json::object();
  for (const auto& [name, why] : analysis.not_fitted) json["not_fitted"][name] = why;
  const auto& follows = analysis.consequences;
  if (follows.amdahl_limit) json["models"]["amdahl"]["limit_speedup"] = json_of(*follows.amdahl_limit);
  if (follows.usl_peak_cores) {
    json["models"]["usl"]["peak_cores"] = json_of(*follows.usl_peak_cores);
    json["models"]["usl"]["peak_speedup"] = json_of(*follows.usl_peak_speedup);
  }
  const auto* chosen = analysis.chosen();
  json["chosen"] = chosen != nullptr ? Json(chosen->model->name) : Json();
  json["why"] = analysis.choice.why;
  json["curve"] = Json::array();
  for (const auto& [layout, seconds] : analysis.curve) {
    auto entry = json_of(layout, false);
    entry.update(json_of(seconds));
    json["curve"].push_back(std::move(entry));
  }
  json["serial_measured"] = analysis.serial_measured ? json_of(*analysis.serial_measured) : Json();
  json["layouts"] = Json::array();
  for (const auto& row : analysis.layouts) {
    auto entry = json_of(row.layout, with_nodes);
    entry["median_s"] = row.time.value;
    entry["low"] = row.time.low;
    entry["high"] = row.time.high;
    entry["speedup"] = row.speedup;
    entry["efficiency"] = row.efficiency;
    entry["max_rss_bytes"] = row.max_rss_bytes >= 0 ? Json(row.max_rss_bytes) : Json();
    entry["sum_rss_bytes"] = row.sum_rss_bytes >= 0 ? Json(row.sum_rss_bytes) : Json();
    entry["efficiencies"] = Json();
    for (const auto& one : analysis.efficiencies) {
      if (one.row.layout == row.layout) entry["efficiencies"] = json_of(one);
    }
    entry["used"] = row.why_not.empty();
    entry["why_not"] = row.why_not.empty() ? Json() : Json(row.why_not);
    json["layouts"].push_back(std::move(entry));
  }
  const auto& advice = analysis.recommendation;
  json["fastest"] = layouts_of(advice.fastest);
  json["cheapest"] = advice.cheapest ? json_of(*advice.cheapest, with_nodes) : Json();
  json["threshold"] = Json();
  if (follows.at_threshold) {
    json["threshold"] = json_of(*follows.at_threshold, with_nodes);
    json["threshold"]["efficiency"] = follows.threshold;
    json["threshold"]["cores_by_law"] = follows.cores_by_law ? Json(*follows.cores_by_law) : Json();
  }
  json["suggested"] = Json::array();
  for (const auto& suggestion : analysis.suggested) {
    auto entry = json_of(suggestion.layout, with_nodes);
    entry["core_hours"] = suggestion.core_hours;
    json["suggested"].push_back(std::move(entry));
  }
  json["doubling"] = Json();
  if (advice.doubling) {
    json["doubling"] = {{"from", json_of(advice.doubling->from, with_nodes)},
                        {"to", json_of(advice.doubling->to, with_nodes)},
                        {"gain", advice.doubling->gain},
                        {"by_law", advice.doubling->by_law}};
  }
  json["caveats"] = advice.caveats;
  json["advice"] = sentences(advice);
  json["loss"] = Json();
  json["loss_at"] = Json();
  if (analysis.loss) {
    for (const auto& [name, share] : analysis.loss->shares) json["loss"][name] = share;
    json["loss_at"] = json_of(*analysis.loss, with_nodes);
  }
  if (analysis.at) {
    json["prediction"] = Json();
    if (analysis.prediction) {
      json["prediction"] = json_of(*analysis.at, analysis.at->nodes > 1);
      json["prediction"].update(json_of(*analysis.prediction));
    }
  }
  const auto& times = analysis.times;
  json["noise"] = times.has_noise() ? Json(times.noise) : Json();
  json["drift"] = {{"change", times.drift.change}, {"p_value", times.drift.p_value}};
  json["blocks"] = {{"sd", times.block_sd}, {"p_value", times.blocks_p}};
  json["outliers"] = Json::array();
  for (const auto& outlier : times.outliers) {
    auto entry = json_of(outlier.layout, with_nodes);
    entry["repeat"] = outlier.repeat;
    entry["ratio"] = outlier.ratio;
    entry["weight"] = outlier.weight;
    json["outliers"].push_back(std::move(entry));
  }
  // A command may hold bytes that are no UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace paceline
