// Which layout to use, in plain words: the fastest, its ties, the cheapest, where more cores gain little, and caveats.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/advise/layouts.hpp"
#include "study/fit/fit.hpp"

namespace paceline {

/// Where twice the cores gain less than 10 % in time (weak mode: in work per second).
struct Doubling {
  Layout from;
  Layout to;            ///< with at least twice the cores
  double gain = 0;      ///< of one doubling; negative: slower
  bool by_law = false;  ///< predicted, not measured
};

struct Recommendation {
  std::vector<Layout> fastest;     ///< the fastest, and those that may be as fast
  bool ties_known = false;         ///< false without repeats: then `fastest` holds only the sample's fastest
  std::optional<Layout> cheapest;  ///< fewest core-seconds a unit of work, of those within 5 % of the fastest
  double cheapest_slower = 0;      ///< relative to the fastest
  double cheapest_cost = 1;        ///< its core-seconds over those of the fastest
  std::optional<Doubling> doubling;
  std::vector<std::string> caveats;
};

/// `chosen`: the law that is believed, or nullptr; it says where doubling stops to pay if no measured layout does.
Recommendation recommend(const Study& study, const Times& times, const ModelFit* chosen);

/// A sentence a line, for example "use 8 ranks x 12 threads; 4 x 24 is no different".
std::vector<std::string> sentences(const Recommendation& recommendation);

/// Caveats: items that ranks can't share evenly, layouts that are faster than ideal, hyper-threads, half-empty nodes.
std::vector<std::string> caveats_of(const Study& study, const Times& times, const std::vector<Layout>& fastest);

}  // namespace paceline
