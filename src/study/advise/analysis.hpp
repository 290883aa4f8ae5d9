// All that `paceline fit` says of a study, as plain values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "study/advise/consequences.hpp"
#include "study/advise/layouts.hpp"
#include "study/advise/loss.hpp"
#include "study/advise/recommend.hpp"
#include "study/advise/suggest.hpp"
#include "study/fit/choose.hpp"
#include "study/fit/fit.hpp"
#include "study/fit/times.hpp"
#include "study/profile/efficiency_rows.hpp"

namespace paceline {

struct Analysis {
  Times times;
  std::vector<LayoutRow> layouts;
  std::vector<ModelFit> fits;                                   ///< of the laws that could be fitted
  std::vector<std::pair<std::string, std::string>> not_fitted;  ///< the others of this mode, and why
  Choice choice;
  std::vector<std::pair<Layout, Interval>> curve;  ///< the chosen law about the layouts, for plots; see curve_of()
  std::optional<Interval> serial_measured;         ///< from the phases
  std::optional<Loss> loss;
  Consequences consequences;
  std::vector<Suggestion> suggested;           ///< where no law is resolved
  std::vector<LayoutEfficiency> efficiencies;  ///< of layouts that were profiled
  Recommendation recommendation;
  std::optional<Layout> at;
  std::optional<Interval> prediction;  ///< seconds at `at`; empty when no law is believed

  [[nodiscard]] const ModelFit* chosen() const { return choice.chosen ? &fits[*choice.chosen] : nullptr; }
};

/// `model`: a law's name, which is then chosen whatever the others say, or "auto". `at`: a layout to predict.
/// `threshold`: the efficiency that layouts should have. Throws Error (usage) for a law of the other mode of scaling,
/// or one that this study's layouts can't determine.
Analysis analyse(const Study& study, const std::string& model = "auto", std::optional<Layout> at = std::nullopt,
                 const FitSettings& settings = {}, double threshold = 0.75);

}  // namespace paceline
