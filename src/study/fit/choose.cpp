#include "study/fit/choose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/text.hpp"

namespace paceline {
namespace {

constexpr double as_good = 2;  // of AICc
constexpr double gross_misfit = 0.1;
constexpr double whole_range = 0.95;
constexpr double same = 1.01;  // predictions that differ by less are the same to people

/// Twice the largest layout, in ranks and in threads where these vary: where laws go apart.
std::vector<Layout> beyond(const Times& times) {
  Layout largest = times.used().front()->layout;
  bool threads_vary = false;
  for (const auto* layout : times.used()) {
    threads_vary = threads_vary || layout->layout.threads != times.used().front()->layout.threads;
    if (layout->layout.cores() > largest.cores()) largest = layout->layout;
  }
  std::vector<Layout> places = {{2 * largest.ranks, largest.threads, largest.nodes}};
  if (threads_vary) places.push_back({largest.ranks, 2 * largest.threads, largest.nodes});
  return places;
}

/// Where two laws' intervals have nothing in common; empty if they agree.
std::string disagreement(const ModelFit& one, const ModelFit& other, const Times& times) {
  for (const auto& layout : beyond(times)) {
    const auto a = one.predict(layout);
    const auto b = other.predict(layout);
    if (a.high * same < b.low || b.high * same < a.low) {
      return fmt::format("on {} x {}, {:.3g} s against {:.3g} s", layout.ranks, layout.threads, a.value, b.value);
    }
  }
  return {};
}

std::string reason_to_choose(const std::vector<ModelFit>& fits, std::size_t chosen, bool has_noise) {
  const auto& own = fits[chosen];
  std::string text;
  for (std::size_t i = 0; i < fits.size(); ++i) {
    if (i == chosen || !fits[i].is_testable || std::isnan(fits[i].aicc)) continue;
    const double more = fits[i].aicc - own.aicc;
    const auto& name = fits[i].model->name;
    text += text.empty() ? "" : "; ";
    if (more > as_good) {
      text += fmt::format("{} is less likely (AICc {:.1f} higher)", name, more);
    } else if (fits[i].model->size() > own.model->size()) {
      text += fmt::format("{} explains no more with one parameter more (AICc {:.1f} {})", name, std::abs(more),
                          more < 0 ? "lower" : "higher");
    } else {
      text += fmt::format("{} is as likely and says the same (AICc {:.1f} higher)", name, more);
    }
  }
  if (text.empty()) text = "the only law that these layouts can test";
  if (!has_noise)
    return text + fmt::format(
                      "; nothing was repeated, so its distance from layouts, {:.1f} %, counts as "
                      "noise",
                      100 * own.rms);
  text += own.misfit_p < 0.05 ? fmt::format("; but it misses layouts by {:.1f} %, more than their noise (p = {:.2g})",
                                            100 * own.rms, own.misfit_p)
                              : "; it fits within the noise";
  return text;
}

/// Laws that meet these layouts because they have as many parameters, and may be right.
std::string hope_of_more(const std::vector<ModelFit>& fits, std::size_t layouts) {
  std::string names;
  for (const auto& fit : fits) {
    if (!fit.is_testable) names += (names.empty() ? "" : ", ") + std::string(fit.model->name);
  }
  if (names.empty()) return {};
  return fmt::format("; more than {} layouts are needed to test {}", layouts, names);
}

/// Every law lets the time fall at first. No law describes times that only grow by more than their noise.
std::string growth(const Times& times, ScalingMode mode) {
  if (mode == ScalingMode::weak) return {};
  const auto used = times.used();
  const auto less = [](const LayoutTimes* a, const LayoutTimes* b) {
    return std::pair(a->layout.cores(), a->centre) < std::pair(b->layout.cores(), b->centre);
  };
  const auto& base = **std::min_element(used.begin(), used.end(), less);
  const LayoutTimes* next = nullptr;
  for (const auto* layout : used) {
    if (layout->layout.cores() == base.layout.cores()) continue;
    if (layout->centre - base.centre < std::max(0.05, 2 * std::sqrt(layout->variance() + base.variance()))) return {};
    if (next == nullptr || less(layout, next)) next = layout;
  }
  if (next == nullptr) return {};
  return fmt::format(
      "the time grows from the first layout on, {:.4g} s on {} and {:.4g} s on {}: by every law it falls at "
      "first, "
      "so none describes these times; is the work the same on every layout?",
      base.median_s, plural(base.layout.cores(), "core"), next->median_s, next->layout.cores());
}

}  // namespace

Choice choose(const std::vector<ModelFit>& fits, const Times& times) {
  const auto layouts = times.used().size();
  if (fits.empty()) {
    return {std::nullopt, layouts == 0 ? "no run counts" : "layouts with different numbers of cores are needed"};
  }
  if (auto why = growth(times, fits.front().model->mode); !why.empty()) return {std::nullopt, std::move(why), true};
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < fits.size(); ++i) {
    if (fits[i].is_testable && std::isfinite(fits[i].aicc)) order.push_back(i);
  }
  const bool is_testable = std::any_of(fits.begin(), fits.end(), [](const ModelFit& fit) { return fit.is_testable; });
  if (order.empty() && is_testable) {
    return {std::nullopt,
            fmt::format("{} layouts that were run once are too few to tell laws apart; repeat them, or run "
                        "more layouts",
                        layouts)};
  }
  if (order.empty()) {
    return {std::nullopt, fmt::format("{} layouts are too few: a law of {} parameters fits any such times; run "
                                      "more layouts",
                                      layouts, fits.front().model->size())};
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return fits[a].aicc < fits[b].aicc; });
  const double best = fits[order.front()].aicc;
  std::erase_if(order, [&](std::size_t i) { return fits[i].aicc > best + as_good; });
  const auto chosen = *std::min_element(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto size_a = fits[a].model->size(), size_b = fits[b].model->size();
    return size_a != size_b ? size_a < size_b : fits[a].aicc < fits[b].aicc;
  });
  const auto& own = fits[chosen];
  if (!times.has_noise() && own.worst > gross_misfit) {
    return {std::nullopt,
            fmt::format("even the best law, {}, misses layouts by up to {:.0f} %, and nothing was repeated, so "
                        "that noise can't be told from another law{}",
                        own.model->name, 100 * own.worst, hope_of_more(fits, layouts))};
  }
  if (own.misfit_p < 0.05 && own.rms > gross_misfit) {
    return {std::nullopt, fmt::format("even the best law, {}, misses layouts by {:.0f} %, far more than their noise{}",
                                      own.model->name, 100 * own.rms, hope_of_more(fits, layouts))};
  }
  for (const auto i : order) {
    if (i == chosen) continue;
    const auto where = disagreement(own, fits[i], times);
    if (where.empty()) continue;
    return {std::nullopt,
            fmt::format("{} and {} are as likely (AICc within {:.1f}) and disagree {}; run larger layouts",
                        own.model->name, fits[i].model->name, std::abs(fits[i].aicc - own.aicc), where)};
  }
  for (std::size_t k = 0; k < own.parameters.size(); ++k) {
    const auto& bounds = own.model->parameters[k];
    const auto& found = own.parameters[k];
    if (std::isinf(bounds.high) || found.high - found.low < whole_range * (bounds.high - bounds.low)) continue;
    return {std::nullopt, fmt::format("the noise leaves {} of {}, the best law, anywhere between {:.2f} and {:.2f}",
                                      bounds.name, own.model->name, found.low, found.high)};
  }
  return {chosen, reason_to_choose(fits, chosen, times.has_noise())};
}

}  // namespace paceline
