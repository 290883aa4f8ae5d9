#include "study/advise/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include <paceline/error.hpp>

namespace paceline {
namespace {

Choice forced(const Analysis& analysis, const Model& model) {
  for (std::size_t i = 0; i < analysis.fits.size(); ++i) {
    if (analysis.fits[i].model != &model) continue;
    const auto free = choose(analysis.fits, analysis.times);
    const auto preferred = free.chosen ? std::string(analysis.fits[*free.chosen].model->name) : std::string("none");
    return {i, fmt::format("asked for; by itself {} would be chosen: {}", preferred, free.why)};
  }
  for (const auto& [name, why] : analysis.not_fitted) {
    if (name == model.name) {
      throw Error(ExitCode::usage, fmt::format("--model {} can't be fitted to this study", name), why,
                  "take another model, or run more layouts");
    }
  }
  throw Error(ExitCode::usage, fmt::format("--model {} can't be fitted to this study", model.name),
              model.mode == ScalingMode::weak ? "it is for weak scaling and this study is strong"
                                              : "it is for strong scaling and this study is weak",
              model.mode == ScalingMode::weak ? "take amdahl, usl or two-level" : "take gustafson");
}

/// Seconds by the law from one rank to half as many cores again as were measured, for each number of threads: at every
/// number of ranks, or at steps of 5 % where these are many. Between them, core-seconds are as good as linear.
std::vector<std::pair<Layout, Interval>> curve_of(const ModelFit& fit, const std::vector<LayoutRow>& rows) {
  int most_cores = 2;
  std::set<int> threads;
  for (const auto& row : rows) {
    most_cores = std::max(most_cores, row.layout.cores());
    threads.insert(fit.model->name == "two-level" ? row.layout.threads : 1);
  }
  std::vector<std::pair<Layout, Interval>> curve;
  for (const int t : threads) {
    const int last = std::max(2, (3 * most_cores + 1) / 2 / t);
    for (int r = 1;; r = std::min(last, std::max(r + 1, r + r / 20))) {
      const Layout layout{r, t, 1};
      curve.emplace_back(layout, fit.law_at(layout));
      if (r == last) break;
    }
  }
  return curve;
}

}  // namespace

Analysis analyse(const Study& study, const std::string& model, std::optional<Layout> at, const FitSettings& settings,
                 double threshold) {
  Analysis analysis;
  analysis.times = study_times(study);
  analysis.layouts = layout_rows(analysis.times, study.info.mode);
  add_memory(analysis.layouts, study);
  for (const auto& law : models()) {
    if (law.mode != study.info.mode) continue;
    auto result = fit_model(law, analysis.times, settings);
    if (auto* fit = std::get_if<ModelFit>(&result)) {
      analysis.fits.push_back(std::move(*fit));
    } else {
      analysis.not_fitted.emplace_back(law.name, std::get<std::string>(result));
    }
  }
  const auto* wanted = find_model(model);
  analysis.choice = wanted != nullptr ? forced(analysis, *wanted) : choose(analysis.fits, analysis.times);
  const auto* chosen = analysis.chosen();
  if (chosen != nullptr) analysis.curve = curve_of(*chosen, analysis.layouts);
  analysis.serial_measured = measured_serial_fraction(study, analysis.times, chosen);
  analysis.loss = loss_of(study, analysis.times, chosen);
  analysis.consequences = consequences_of(analysis.fits, chosen, analysis.layouts, threshold);
  if (chosen == nullptr && !analysis.choice.is_refused) analysis.suggested = suggest(analysis.times, analysis.fits);
  analysis.recommendation = recommend(study, analysis.times, chosen);
  analysis.efficiencies = layout_efficiencies(study);
  analysis.at = at;
  if (at && chosen != nullptr) analysis.prediction = chosen->predict(*at);
  return analysis;
}

}  // namespace paceline
