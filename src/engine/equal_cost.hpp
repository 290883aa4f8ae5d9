// Slabs of nearly equal cost, for the weighted schedule: from the costs of some items, and straight lines between them.
#pragma once

#include <cstdint>
#include <vector>

#include <paceline/slab.hpp>

namespace paceline {

/// Items at which a cost is sampled: evenly spread, first and last among them.
std::vector<std::int64_t> sample_items(std::int64_t items, int ranks);

/// Of items from the first one on: the trapezium rule over costs at sample_items().
class CumulativeCosts {
 public:
  CumulativeCosts(std::int64_t items, int ranks, const std::vector<double>& sampled);
  [[nodiscard]] double total() const { return sums_.back(); }
  /// Of all items before `item`.
  [[nodiscard]] double before(std::int64_t item) const;
  /// The first item that has so much before it.
  [[nodiscard]] std::int64_t item_at(double cost) const;

 private:
  std::vector<std::int64_t> at_;
  std::vector<double> sums_;
};

/// From costs at sample_items(): a slab a rank.
std::vector<Slab> equal_cost_slabs(std::int64_t items, int ranks, const std::vector<double>& sampled);

// Where the cost of every item is known.

double costliest_slab(const std::vector<Slab>& slabs, const std::vector<double>& costs);
/// Of the worker that has most to do if whoever is free takes the next item.
double list_cost(const std::vector<double>& costs, std::int64_t workers);

}  // namespace paceline
