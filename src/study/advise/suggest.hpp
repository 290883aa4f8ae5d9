// Layouts whose measurement would say which law holds, where the times so far do not.
#pragma once

#include <vector>

#include "study/fit/fit.hpp"
#include "study/fit/times.hpp"

namespace paceline {

struct Suggestion {
  Layout layout;
  double core_hours = 0;  ///< of six runs, by what the laws predict
  double spread = 0;      ///< how far the laws and their replicates are apart there, as a share of the time
};

/// Layouts that were not measured, near those that were, where the laws that may hold differ by more than five runs'
/// noise: the cheapest first. Laws that may hold are those within 10 of the best AICc; where none could be tested, any
/// layout is such a one. Each law is as uncertain as the bootstrap's replicates of it. Empty when nothing was measured.
std::vector<Suggestion> suggest(const Times& times, const std::vector<ModelFit>& fits);

}  // namespace paceline
