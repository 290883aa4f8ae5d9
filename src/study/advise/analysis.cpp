#include "study/advise/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include <paceline/error.hpp>

#include "storage/output_path.hpp"

namespace paceline {
namespace {

Choice forced(const Analysis& analysis, const Model& model) {
  for (std::size_t i = 0; i < analysis.fits.size(); ++i) {
    if (analysis.fits[i].model != &model) continue;
    const auto free = choose(analysis.fits, analysis.times);
    const auto preferred = free.chosen ? std::string(analysis.fits[*free.chosen].model->name) : std::string("none");
    return {i, fmt::format("requested; on its own {} would be chosen: {}", preferred, free.why)};
  }
  for (const auto& [name, why] : analysis.not_fitted) {
    if (name == model.name) {
      throw Error(ErrorKind::usage, fmt::format("--model {} can't be fitted to this study", name), why,
                  "take another model, or run more layouts");
    }
  }
  throw Error(ErrorKind::usage, fmt::format("--model {} can't be fitted to this study", model.name),
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

/// Of layouts that are recommended, or as fast, one may need much more memory than another.
std::string memory_caveat(const std::vector<LayoutRow>& rows, const Recommendation& advice) {
  constexpr double much_more = 1.5;
  auto layouts = advice.fastest;
  if (advice.cheapest) layouts.push_back(*advice.cheapest);
  const LayoutRow *least = nullptr, *most = nullptr;
  for (const auto& row : rows) {
    const bool is_named = std::find(layouts.begin(), layouts.end(), row.layout) != layouts.end();
    if (!is_named || row.sum_rss_bytes <= 0) continue;
    if (least == nullptr || row.sum_rss_bytes < least->sum_rss_bytes) least = &row;
    if (most == nullptr || row.sum_rss_bytes > most->sum_rss_bytes) most = &row;
  }
  if (least == nullptr) return {};
  const auto small = static_cast<double>(least->sum_rss_bytes), large = static_cast<double>(most->sum_rss_bytes);
  if (large < much_more * small) return {};
  return fmt::format("{} needs {} of memory in all, {} needs {}", name_of(most->layout), human_bytes(large),
                     name_of(least->layout), human_bytes(small));
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
  if (auto caveat = memory_caveat(analysis.layouts, analysis.recommendation); !caveat.empty()) {
    analysis.recommendation.caveats.push_back(std::move(caveat));
  }
  analysis.at = at;
  if (at && chosen != nullptr) analysis.prediction = chosen->predict(*at);
  return analysis;
}

}  // namespace paceline
