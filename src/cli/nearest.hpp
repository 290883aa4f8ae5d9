// "Did you mean": the name that a misspelt one is nearest to.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace paceline {

/// The nearest of the names, if it is near: about a letter in three may be wrong, missing, too many or in its
/// neighbour's place (optimal string alignment distance), or the word is how only one of them begins.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& names);

}  // namespace paceline
