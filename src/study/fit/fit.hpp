// A law fitted to the times of a study, with intervals.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "study/fit/models.hpp"
#include "study/fit/solve.hpp"
#include "study/fit/times.hpp"

namespace paceline {

/// A number with its 95 % interval; NaN ends where there is none.
struct Interval {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  double value = unknown, low = unknown, high = unknown;
};

struct ModelFit {
  const Model* model = nullptr;
  Values values{};
  std::vector<Interval> parameters;  ///< in the order of model->parameters
  double aicc = Interval::unknown;
  bool is_testable = false;        ///< more layouts than parameters: the law can be wrong
  double misfit = 0;               ///< relative standard deviation of layouts about the law, beyond their noise
  double misfit_p = 1;             ///< P of a misfit so large if the law is true
  double rms = 0;                  ///< root mean square of the layouts' relative distance from the law
  double worst = 0;                ///< largest such distance
  std::vector<Values> replicates;  ///< parameters of the bootstrap's replicates; empty when noise is unknown
  double misfit_scale = 0;         ///< what the misfit of a layout that was not measured is drawn with

  /// Seconds at a layout, with the interval of the time that its runs would have in the middle.
  [[nodiscard]] Interval predict(const Layout& layout) const;
  /// Seconds by the law at a layout, with the interval of the law itself: a band about it, as drawn in plots.
  [[nodiscard]] Interval law_at(const Layout& layout) const;
};

struct FitSettings {
  int replicates = 2000;
  std::uint64_t seed = 1;
  Objective objective = Objective::time;
};

/// Fits one law to the layouts that count, by weighted least squares of log-times: noise is a share of the time, so
/// that a layout's centre has the variance noise^2/runs whatever its time. Gives the reason in words where that can't
/// be done.
///
/// With the objective of throughputs, the sum of squared errors of 1/T with equal weights is minimised instead, which
/// is what R's package usl does: the fastest layouts decide, and slow ones hardly count.
///
/// Intervals: the bootstrap. Each replicate draws the residuals of repeats anew around the fitted law, layout by
/// layout, together with the effects of blocks, which all layouts share, and is fitted within the same bounds; the
/// interval lies between the 2.5 % and 97.5 % points. They are widened by t/z of the noise's degrees of freedom and by
/// sqrt(n/(n-1)), without which a bootstrap of few repeats is too narrow (T. Hesterberg, What teachers should know
/// about the bootstrap, Am. Stat. 69, 2015, section 5). They start from the law within its bounds, so that an interval
/// at a bound is one-sided and never empty. If layouts miss the law by more than their noise explains (F test, 5 %),
/// the misfit's variance by R. C. Paule and J. Mandel (J. Res. NBS 87, 1982) is drawn as well.
std::variant<ModelFit, std::string> fit_model(const Model& model, const Times& times, const FitSettings& settings = {});

}  // namespace paceline
