// Two studies held against each other, layout by layout.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/advise/layouts.hpp"

namespace paceline {

struct LayoutRatio {
  Layout layout;
  Interval ratio;        ///< time in the second study over that in the first; NaN ends where nothing was repeated
  double p_value = 1;    ///< that they are equal, adjusted for how many layouts are compared
  bool differs = false;  ///< adjusted p < 5 %
  /// Against the limit of a gate, if there is one.
  enum class Gate { none, passes, fails, unresolved };
  Gate gate = Gate::none;
};

struct Comparison {
  std::vector<LayoutRatio> layouts;
  std::vector<Layout> only_first, only_second;  ///< that count in one study alone
  std::optional<double> fail_above;             ///< share of the time by which no layout may be slower
  std::vector<std::string> notes;               ///< different commands, machines, modes
};

/// Layouts that count in both. Ratios of layout centres with intervals by Welch's t (B. L. Welch, Biometrika 34, 1947)
/// on the logarithms, each of 95 % by itself; the effects of blocks, which two studies don't share, are part of the
/// variance. p-values are adjusted by S. Holm's method (Scand. J. Stat. 6, 1979).
///
/// With `fail_above` a layout fails when its whole interval lies beyond that limit, passes when all of it lies below,
/// and is unresolved when the limit lies within; so is one of which nothing was repeated.
Comparison compare(const Study& first, const Study& second, std::optional<double> fail_above = std::nullopt);

/// Layouts that fail, each with how much slower it is; empty when none does.
std::string too_slow(const Comparison& comparison);

std::string json_report(const Comparison& comparison);

std::string text_report(const Comparison& comparison, const std::string& first, const std::string& second);

}  // namespace paceline
