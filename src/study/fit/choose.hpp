// Which law the times speak for, if they speak for one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/fit/fit.hpp"

namespace paceline {

struct Choice {
  std::optional<std::size_t> chosen;  ///< index into the fits; none: not resolved
  std::string why;                    ///< in words, either way
  bool is_refused = false;            ///< no law can describe such times, and more of them would not help
};

/// The law with the lowest AICc. Of laws within 2 of it, which are as well supported (K. P. Burnham and D. R. Anderson,
/// Model selection and multimodel inference, 2nd edition 2002, section 2.6), the one of fewest parameters, if their
/// intervals agree on twice the cores. Not resolved when
///   no law has fewer parameters than there are layouts, so that none could be wrong;
///   laws that are as well supported disagree on twice the cores;
///   the best law misses the layouts by more than 10 % and by more than their noise;
///   a fraction's interval holds nearly everything a fraction can be.
Choice choose(const std::vector<ModelFit>& fits, const Times& times);

}  // namespace paceline
