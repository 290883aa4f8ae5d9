#include "study/advise/suggest.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace paceline {
namespace {

constexpr double may_hold = 10;       // of AICc
constexpr double runs = 5;            // that count, beside a warm-up
constexpr double usual_noise = 0.02;  // of a run, where nothing was repeated
constexpr std::size_t most_suggested = 8;

std::vector<const ModelFit*> laws_that_may_hold(const std::vector<ModelFit>& fits) {
  double best = std::numeric_limits<double>::infinity();
  for (const auto& fit : fits) {
    if (fit.is_testable && std::isfinite(fit.aicc)) best = std::min(best, fit.aicc);
  }
  std::vector<const ModelFit*> found;
  for (const auto& fit : fits) {
    const bool is_tested = fit.is_testable && std::isfinite(fit.aicc);
    if (is_tested ? fit.aicc <= best + may_hold : true) found.push_back(&fit);
  }
  return found;
}

/// Twice and four times the most, and what lies between two neighbours.
std::set<int> between_and_beyond(const std::set<int>& numbers) {
  std::set<int> found = {2 * *numbers.rbegin(), 4 * *numbers.rbegin()};
  for (auto at = numbers.begin(); std::next(at) != numbers.end(); ++at) {
    found.insert(static_cast<int>(std::lround(std::sqrt(static_cast<double>(*at) * *std::next(at)))));
  }
  if (*numbers.begin() > 1) found.insert({1, std::max(1, *numbers.begin() / 2)});
  return found;
}

std::set<Layout> candidates(const std::vector<const LayoutTimes*>& used) {
  std::set<Layout> measured;
  std::set<int> ranks, threads;
  int ranks_a_node = 1;
  bool has_nodes = false;
  for (const auto* entry : used) {
    measured.insert(entry->layout);
    ranks.insert(entry->layout.ranks);
    threads.insert(entry->layout.threads);
    has_nodes = has_nodes || entry->layout.nodes > 1;
    ranks_a_node = std::max(ranks_a_node, entry->layout.ranks / entry->layout.nodes);
  }
  auto more_threads = threads;
  if (threads.size() > 1) more_threads.insert(2 * *threads.rbegin());
  auto all_ranks = ranks;
  all_ranks.merge(between_and_beyond(ranks));
  std::set<Layout> found;
  for (const int r : all_ranks) {
    for (const int t : more_threads) {
      const int nodes = has_nodes ? (r + ranks_a_node - 1) / ranks_a_node : 1;
      const Layout layout{r, t, nodes};
      const bool is_measured = std::any_of(measured.begin(), measured.end(),
                                           [&](const Layout& m) { return m.ranks == r && m.threads == t; });
      if (!is_measured && r % nodes == 0) found.insert(layout);
    }
  }
  return found;
}

struct Expectation {
  double log_s = 0;
  double spread = std::numeric_limits<double>::infinity();
};

/// Of laws and replicates together. Without laws: ideal scaling, of which nothing is known.
Expectation expected(const Layout& layout, const std::vector<const ModelFit*>& laws, const LayoutTimes& base) {
  if (laws.empty()) return {base.centre - std::log(static_cast<double>(layout.cores()) / base.layout.cores())};
  double sum = 0, squares = 0, count = 0;
  for (const auto* law : laws) {
    const auto add = [&](const Values& values, double weight) {
      const double log_s = log_time(*law->model, values, layout);
      if (!std::isfinite(log_s)) return;
      sum += weight * log_s;
      squares += weight * log_s * log_s;
      count += weight;
    };
    add(law->values, law->replicates.empty() ? 1 : 0);
    for (const auto& values : law->replicates) add(values, 1 / static_cast<double>(law->replicates.size()));
  }
  if (count <= 0) return {base.centre};
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(0.0, squares / count - mean * mean))};
}

}  // namespace

std::vector<Suggestion> suggest(const Times& times, const std::vector<ModelFit>& fits) {
  const auto used = times.used();
  if (used.empty()) return {};
  const auto laws = laws_that_may_hold(fits);
  const double noise = times.has_noise() ? times.noise : usual_noise;
  // Of laws that could not be wrong, any other layout is a test.
  const bool is_tested = std::any_of(fits.begin(), fits.end(),
                                     [](const ModelFit& fit) { return fit.is_testable && std::isfinite(fit.aicc); });
  std::vector<Suggestion> found;
  for (const auto& layout : candidates(used)) {
    auto there = expected(layout, laws, *used.front());
    if (!is_tested) there.spread = std::numeric_limits<double>::infinity();
    if (there.spread < 2 * noise / std::sqrt(runs)) continue;
    const double core_hours = (runs + 1) * std::exp(there.log_s) * layout.cores() / 3600;
    found.push_back({layout, core_hours, there.spread});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Suggestion& a, const Suggestion& b) { return a.core_hours < b.core_hours; });
  if (found.size() > most_suggested) found.resize(most_suggested);
  return found;
}

}  // namespace paceline
