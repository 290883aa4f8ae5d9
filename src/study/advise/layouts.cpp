#include "study/advise/layouts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/fit/distributions.hpp"

namespace paceline {
namespace {

/// log of the seconds that a unit of work takes.
double cost(const LayoutTimes& layout, ScalingMode mode) {
  return layout.centre - std::log(work_of(layout.layout, mode));
}

}  // namespace

std::string name_of(const Layout& layout) {
  const auto text = fmt::format("{} x {}", layout.ranks, layout.threads);
  return layout.nodes > 1 ? fmt::format("{} on {} nodes", text, layout.nodes) : text;
}

double work_of(const Layout& layout, ScalingMode mode) { return mode == ScalingMode::weak ? layout.cores() : 1; }

std::vector<LayoutRow> layout_rows(const Times& times, ScalingMode mode) {
  const LayoutTimes* base = nullptr;
  for (const auto* layout : times.used()) {
    const auto rank = [](const LayoutTimes& l) { return std::pair(l.layout.cores(), l.median_s); };
    if (base == nullptr || rank(*layout) < rank(*base)) base = layout;
  }
  std::vector<LayoutRow> rows;
  for (const auto& layout : times.layouts) {
    LayoutRow row{layout.layout, {layout.median_s}, Interval::unknown, Interval::unknown, layout.why_not, -1, -1};
    if (layout.used() && base != nullptr) {
      const double cores = layout.layout.cores();
      const double base_cores = base->layout.cores();
      const double work = work_of(layout.layout, mode) / work_of(base->layout, mode);
      row.speedup = work * base->median_s / layout.median_s;
      row.efficiency = row.speedup * base_cores / cores;
    }
    if (layout.used() && times.has_noise()) {
      double half = t_quantile(0.975, times.df) * std::sqrt(layout.variance());
      if (times.block_sd > 0) {
        half = std::hypot(half, t_quantile(0.975, times.blocks - 1) * times.block_sd / std::sqrt(times.blocks));
      }
      row.time.low = std::min(layout.median_s, std::exp(layout.centre - half));
      row.time.high = std::max(layout.median_s, std::exp(layout.centre + half));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void add_memory(std::vector<LayoutRow>& rows, const Study& study) {
  for (const auto& sample : study.samples) {
    if (sample.status != SampleStatus::ok) continue;
    for (auto& row : rows) {
      if (row.layout != sample.layout) continue;
      row.max_rss_bytes = std::max(row.max_rss_bytes, sample.max_rss_bytes);
      row.sum_rss_bytes = std::max(row.sum_rss_bytes, sample.sum_rss_bytes);
    }
  }
}

std::vector<const LayoutTimes*> fastest_of(const Times& times, ScalingMode mode) {
  auto ordered = times.used();
  std::stable_sort(ordered.begin(), ordered.end(),
                   [&](const auto* a, const auto* b) { return cost(*a, mode) < cost(*b, mode); });
  if (ordered.size() < 2 || !times.has_noise()) return ordered;
  const auto& best = *ordered.front();
  const double t = t_quantile(1 - 0.05 / static_cast<double>(ordered.size() - 1), times.df);
  std::erase_if(ordered, [&](const auto* other) {
    return cost(*other, mode) - cost(best, mode) > t * std::sqrt(other->variance() + best.variance());
  });
  // People see medians: the lowest comes first.
  std::stable_sort(ordered.begin(), ordered.end(), [&](const auto* a, const auto* b) {
    return a->median_s / work_of(a->layout, mode) < b->median_s / work_of(b->layout, mode);
  });
  return ordered;
}

}  // namespace paceline
