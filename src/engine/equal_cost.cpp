#include "engine/equal_cost.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>

namespace paceline {

std::vector<std::int64_t> sample_items(std::int64_t items, int ranks) {
  // Costs change little from an item to the next: better a few good samples than many rough ones.
  const auto count = std::min(items, std::max(std::int64_t{128}, std::int64_t{32} * ranks));
  std::vector<std::int64_t> samples;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto at = count == 1 ? 0.0 : static_cast<double>(k) / static_cast<double>(count - 1);
    samples.push_back(std::llround(at * static_cast<double>(items - 1)));
  }
  return samples;
}

CumulativeCosts::CumulativeCosts(std::int64_t items, int ranks, const std::vector<double>& sampled)
    : at_(sample_items(items, ranks)), sums_(at_.size(), 0.0) {
  for (std::size_t k = 1; k < at_.size(); ++k) {
    sums_[k] = sums_[k - 1] + 0.5 * (sampled[k] + sampled[k - 1]) * static_cast<double>(at_[k] - at_[k - 1]);
  }
}

double CumulativeCosts::before(std::int64_t item) const {
  const auto k = std::upper_bound(at_.begin(), at_.end(), item) - at_.begin();
  if (k == std::ssize(at_)) return sums_.back();
  const auto here = static_cast<std::size_t>(k);
  const auto share = static_cast<double>(item - at_[here - 1]) / static_cast<double>(at_[here] - at_[here - 1]);
  return sums_[here - 1] + share * (sums_[here] - sums_[here - 1]);
}

std::int64_t CumulativeCosts::item_at(double cost) const {
  if (at_.size() < 2) return at_.front();
  const auto k = std::clamp(std::lower_bound(sums_.begin() + 1, sums_.end(), cost) - sums_.begin(), std::ptrdiff_t{1},
                            std::ssize(sums_) - 1);
  const auto here = static_cast<std::size_t>(k);
  const auto width = static_cast<double>(at_[here] - at_[here - 1]);
  const auto part = sums_[here] - sums_[here - 1];
  const auto share = part > 0 ? (cost - sums_[here - 1]) / part : 0.0;
  return at_[here - 1] + std::llround(width * std::clamp(share, 0.0, 1.0));
}

std::vector<Slab> equal_cost_slabs(std::int64_t items, int ranks, const std::vector<double>& sampled) {
  const CumulativeCosts costs(items, ranks, sampled);
  std::vector<Slab> slabs;
  if (!(costs.total() > 0)) {
    for (int r = 0; r < ranks; ++r) slabs.push_back(even_part({0, items}, r, ranks));
    return slabs;
  }
  // Items can't be cut, so that slabs are not quite equal. The costliest one is the least there is: who may cost so
  // much takes as many items as that allows (Pinar and Aykanat, Fast optimal load balancing algorithms for 1D
  // partitioning, 2004), and the cost is found by bisection.
  const auto cut_by = [&](double most) {
    slabs.clear();
    for (std::int64_t begin = 0; std::ssize(slabs) < ranks; begin = slabs.back().end) {
      const auto until = costs.before(begin) + most;
      auto end = std::clamp(costs.item_at(until), begin, items);
      if (end > begin && costs.before(end) > until) --end;
      if (end < items && costs.before(end + 1) <= until) ++end;
      slabs.push_back({begin, end});
    }
    return costs.total() - costs.before(slabs.back().end) <= 0;
  };
  auto low = costs.total() / ranks, high = costs.total();
  const auto rounding = 1e-9 * low;
  if (!cut_by(low + rounding)) {
    for (int step = 0; step < 30; ++step) {
      const auto middle = 0.5 * (low + high);
      (cut_by(middle) ? high : low) = middle;
    }
    cut_by(high + rounding);
  }
  slabs.back().end = items;
  return slabs;
}

double costliest_slab(const std::vector<Slab>& slabs, const std::vector<double>& costs) {
  double most = 0;
  for (const auto& slab : slabs) {
    most = std::max(most, std::accumulate(costs.begin() + slab.begin, costs.begin() + slab.end, 0.0));
  }
  return most;
}

double list_cost(const std::vector<double>& costs, std::int64_t workers) {
  std::priority_queue<double, std::vector<double>, std::greater<>> busy_until;
  double last = 0;
  for (const auto cost : costs) {
    double begin = 0;
    if (std::ssize(busy_until) == workers) {
      begin = busy_until.top();
      busy_until.pop();
    }
    busy_until.push(begin + cost);
    last = std::max(last, begin + cost);
  }
  return last;
}

}  // namespace paceline
