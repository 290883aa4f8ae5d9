#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "study/advise/recommend.hpp"

namespace paceline {
namespace {

/// A number among the facts of a study; 0 when it isn't there.
long number_of(const StudyInfo& info, const std::string& name) {
  for (const auto& [key, value] : info.machine) {
    if (key == name) return std::strtol(value.c_str(), nullptr, 10);
  }
  return 0;
}

/// Items that ranks share: told by the study, or the rows of the command.
long items_of(const StudyInfo& info) {
  if (const long items = number_of(info, "items"); items > 0) return items;
  for (const std::string name : {"--rows ", "--rows="}) {
    if (const auto at = info.command.find(name); at != std::string::npos) {
      return std::strtol(info.command.c_str() + at + name.size(), nullptr, 10);
    }
  }
  return 0;
}

/// Layouts whose core-seconds are fewer than those of the smallest one, beyond the noise.
std::string faster_than_ideal(const Study& study, const Times& times) {
  const LayoutRow* base = nullptr;
  const auto rows = layout_rows(times, study.info.mode);
  for (const auto& row : rows) {
    if (row.efficiency == 1 && (base == nullptr || row.layout.cores() < base->layout.cores())) base = &row;
  }
  const auto core_s = [&](const LayoutRow& row, double seconds) {
    return seconds * row.layout.cores() / work_of(row.layout, study.info.mode);
  };
  std::string names;
  for (const auto& row : rows) {
    if (base == nullptr || !(core_s(row, row.time.high) < core_s(*base, base->time.low))) continue;
    names +=
        fmt::format("{}{} by {:.0f} %", names.empty() ? "" : ", ", name_of(row.layout), 100 * (row.efficiency - 1));
  }
  return names;
}

}  // namespace

std::vector<std::string> caveats_of(const Study& study, const Times& times, const std::vector<Layout>& fastest) {
  std::vector<std::string> caveats;
  const auto used = times.used();
  constexpr double uneven = 0.01;
  if (const long items = items_of(study.info); items > 0) {
    std::set<int> counts;
    double worst = 0;
    for (const auto* layout : used) {
      const int ranks = layout->layout.ranks;
      const long most = (items + ranks - 1) / ranks;
      const double over = static_cast<double>(most) * ranks / static_cast<double>(items) - 1;
      if (over < uneven) continue;
      worst = std::max(worst, over);
      counts.insert(ranks);
    }
    if (worst > 0) {
      caveats.push_back(
          fmt::format("{} items don't divide by {} ranks: in equal blocks one has up to {:.0f} % more than "
                      "its share",
                      items, fmt::join(counts, ", "), 100 * worst));
    }
  }
  if (const auto names = faster_than_ideal(study, times); !names.empty()) {
    caveats.push_back(
        fmt::format("faster than ideal: {}; caches help, or the layout of fewest cores is not a fair baseline", names));
  }
  const long cores = number_of(study.info, "cores");
  if (cores <= 0) return caveats;
  std::string shared;
  for (const auto* layout : used) {
    if (layout->layout.cores() <= cores * layout->layout.nodes) continue;
    shared += (shared.empty() ? "" : ", ") + name_of(layout->layout);
  }
  if (!shared.empty()) {
    caveats.push_back(
        fmt::format("more threads than the {} cores of a node, so hyper-threads share them: {}", cores, shared));
  }
  if (!fastest.empty()) {
    const auto& best = fastest.front();
    const double filled =
        static_cast<double>(best.cores()) / static_cast<double>(best.nodes) / static_cast<double>(cores);
    if (filled <= 0.5) {
      caveats.push_back(
          fmt::format("the fastest layout leaves {:.0f} % of each node's {} cores empty, which is paid for "
                      "where whole nodes are billed",
                      100 * (1 - filled), cores));
    }
  }
  return caveats;
}

}  // namespace paceline
