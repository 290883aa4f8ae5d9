#include "cli/nearest.hpp"

#include <algorithm>

namespace paceline {
namespace {

std::size_t distance(const std::string& a, const std::string& b) {
  const auto width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return table[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.size(), b.size());
}

}  // namespace

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& names) {
  constexpr std::size_t longest = 64;  // a longer word is no name
  if (word.size() > longest || word.find_first_not_of('-') == std::string::npos) return std::nullopt;
  const auto begins = [&](const std::string& name) { return word.size() > 2 && name.starts_with(word); };
  if (std::count_if(names.begin(), names.end(), begins) == 1) {
    return *std::find_if(names.begin(), names.end(), begins);
  }
  const std::string* best = nullptr;
  const auto letters = word.size() - std::min({word.size(), std::size_t{2}, word.find_first_not_of('-')});
  auto least = std::max<std::size_t>(1, letters / 3) + 1;
  for (const auto& name : names) {
    if (const auto d = distance(word, name); d < least) {
      least = d;
      best = &name;
    }
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

}  // namespace paceline
