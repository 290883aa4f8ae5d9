#include "study/advise/recommend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "host/text.hpp"

namespace paceline {
namespace {

constexpr double little_gain = 0.1;
constexpr double close_enough = 1.05;

/// Seconds a unit of work.
double cost_s(const LayoutTimes& layout, ScalingMode mode) { return layout.median_s / work_of(layout.layout, mode); }

/// The best layout of each number of cores, and from which one on twice the cores gain little.
std::optional<Doubling> measured_doubling(const Times& times, ScalingMode mode) {
  std::map<int, const LayoutTimes*> best;
  for (const auto* layout : times.used()) {
    auto& held = best[layout->layout.cores()];
    if (held == nullptr || cost_s(*layout, mode) < cost_s(*held, mode)) held = layout;
  }
  for (const auto& [cores, from] : best) {
    const auto to = best.lower_bound(2 * cores);
    if (to == best.end()) break;
    const double doublings = std::log2(static_cast<double>(to->first) / cores);
    const double gain = std::pow(cost_s(*from, mode) / cost_s(*to->second, mode), 1 / doublings) - 1;
    if (gain < little_gain) return Doubling{from->layout, to->second->layout, gain, false};
  }
  return std::nullopt;
}

std::optional<Doubling> predicted_doubling(const ModelFit& fit, const Layout& largest) {
  constexpr int most_ranks = 1 << 20;
  // Nodes grow with the ranks where they are counted.
  const int by = largest.nodes > 1 ? 2 : 1;
  for (Layout from = largest; from.ranks < most_ranks; from.ranks *= 2, from.nodes *= by) {
    const Layout to{2 * from.ranks, from.threads, by * from.nodes};
    const auto seconds = [&](const Layout& layout) {
      return fit.model->predict(fit.values, layout) / work_of(layout, fit.model->mode);
    };
    const double gain = seconds(from) / seconds(to) - 1;
    if (gain < little_gain) return Doubling{from, to, gain, true};
  }
  return std::nullopt;
}

std::string in_full(const Layout& layout) {
  auto text = fmt::format("{} x {}", plural(layout.ranks, "rank"), plural(layout.threads, "thread"));
  if (layout.nodes > 1) text += fmt::format(" on {} nodes", layout.nodes);
  return text;
}

std::string say(const Doubling& doubling) {
  const bool by_nodes = doubling.to.nodes >= 2 * doubling.from.nodes;
  const int from = by_nodes ? doubling.from.nodes : doubling.from.cores();
  const auto place = fmt::format("beyond {}", plural(from, by_nodes ? "node" : "core"));
  const char* source = doubling.by_law ? " (by the fitted law)" : "";
  if (doubling.gain <= 0) return fmt::format("{} twice as many gain nothing{}", place, source);
  return fmt::format("{} you pay double for {:.0f} %{}", place, 100 * doubling.gain, source);
}

}  // namespace

Recommendation recommend(const Study& study, const Times& times, const ModelFit* chosen) {
  Recommendation found;
  const auto mode = study.info.mode;
  const auto ties = fastest_of(times, mode);
  if (ties.empty()) return found;
  found.ties_known = times.has_noise() || times.used().size() == 1;
  for (const auto* layout : ties) found.fastest.push_back(layout->layout);
  if (!found.ties_known) found.fastest.resize(1);

  const auto& best = *ties.front();
  const auto core_seconds = [&](const LayoutTimes& l) { return cost_s(l, mode) * l.layout.cores(); };
  const LayoutTimes* cheapest = &best;
  for (const auto* layout : times.used()) {
    if (cost_s(*layout, mode) > close_enough * cost_s(best, mode)) continue;
    const auto rank = [&](const LayoutTimes& l) { return std::tuple(core_seconds(l), l.layout.cores(), l.layout); };
    if (rank(*layout) < rank(*cheapest)) cheapest = layout;
  }
  found.cheapest = cheapest->layout;
  found.cheapest_slower = cost_s(*cheapest, mode) / cost_s(best, mode) - 1;
  found.cheapest_cost = core_seconds(*cheapest) / core_seconds(best);

  found.doubling = measured_doubling(times, mode);
  if (!found.doubling && chosen != nullptr) {
    Layout largest = best.layout;
    for (const auto* layout : times.used()) {
      if (layout->layout.cores() > largest.cores()) largest = layout->layout;
    }
    found.doubling = predicted_doubling(*chosen, largest);
  }
  found.caveats = caveats_of(study, times, found.fastest);
  return found;
}

std::vector<std::string> sentences(const Recommendation& recommendation) {
  if (recommendation.fastest.empty()) return {"no layout counts, so none is recommended"};
  std::vector<std::string> lines;
  auto first = fmt::format("use {}", in_full(recommendation.fastest.front()));
  constexpr std::size_t most_named = 6;
  std::string ties;
  for (std::size_t i = 1; i < recommendation.fastest.size() && i <= most_named; ++i) {
    ties += (i > 1 ? ", " : "") + name_of(recommendation.fastest[i]);
  }
  if (recommendation.fastest.size() > most_named + 1) {
    ties += fmt::format(" and {} more", recommendation.fastest.size() - most_named - 1);
  }
  if (!ties.empty())
    first += fmt::format("; {} {} no different", ties, recommendation.fastest.size() > 2 ? "are" : "is");
  if (!recommendation.ties_known) first += "; nothing was repeated, so chance may have made it the fastest";
  lines.push_back(first);
  if (recommendation.cheapest && *recommendation.cheapest != recommendation.fastest.front()) {
    lines.push_back(fmt::format("cheapest within 5 %: {}, {:.0f} % of the core-seconds, {:.1f} % slower",
                                in_full(*recommendation.cheapest), 100 * recommendation.cheapest_cost,
                                std::max(0.0, 100 * recommendation.cheapest_slower)));
  } else {
    lines.push_back("it is the cheapest within 5 %, too");
  }
  if (recommendation.doubling) lines.push_back(say(*recommendation.doubling));
  for (const auto& caveat : recommendation.caveats) lines.push_back("beware: " + caveat);
  return lines;
}

}  // namespace paceline
