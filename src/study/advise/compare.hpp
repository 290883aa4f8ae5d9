// Two studies held against each other, layout by layout.
#pragma once

#include <string>
#include <vector>

#include "study/advise/layouts.hpp"

namespace paceline {

struct LayoutRatio {
  Layout layout;
  Interval ratio;        ///< time in the second study over that in the first; NaN ends where nothing was repeated
  double p_value = 1;    ///< that they are equal, adjusted for how many layouts are compared
  bool differs = false;  ///< adjusted p < 5 %
};

struct Comparison {
  std::vector<LayoutRatio> layouts;
  std::vector<Layout> only_first, only_second;  ///< that count in one study alone
  std::vector<std::string> notes;               ///< different commands, machines, modes
};

/// Layouts that count in both. Ratios of layout centres with intervals by Welch's t (B. L. Welch, Biometrika 34, 1947)
/// on the logarithms, each of 95 % by itself; the effects of blocks, which two studies don't share, are part of the
/// variance. p-values are adjusted by S. Holm's method (Scand. J. Stat. 6, 1979).
Comparison compare(const Study& first, const Study& second);

std::string text_report(const Comparison& comparison, const std::string& first, const std::string& second);

}  // namespace paceline
