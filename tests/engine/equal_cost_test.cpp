#include "engine/equal_cost.hpp"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace paceline {
namespace {

double cost_of(Slab slab, const std::function<double(std::int64_t)>& cost) {
  double sum = 0;
  for (auto item = slab.begin; item < slab.end; ++item) sum += cost(item);
  return sum;
}

/// Slabs cover all items in order; returns the largest cost over the mean.
double imbalance_of(std::int64_t items, int ranks, const std::function<double(std::int64_t)>& cost) {
  std::vector<double> sampled;
  for (const auto item : sample_items(items, ranks)) sampled.push_back(cost(item));
  const auto slabs = equal_cost_slabs(items, ranks, sampled);
  EXPECT_EQ(slabs.size(), static_cast<std::size_t>(ranks));
  std::int64_t next = 0;
  double largest = 0, sum = 0;
  for (const auto& slab : slabs) {
    EXPECT_EQ(slab.begin, next);
    EXPECT_LE(slab.begin, slab.end);
    next = slab.end;
    largest = std::max(largest, cost_of(slab, cost));
    sum += cost_of(slab, cost);
  }
  EXPECT_EQ(next, items);
  return sum > 0 ? largest / (sum / ranks) : 1.0;
}

TEST(EqualCostSlabs, AreEvenForKnownShapes) {
  for (const int ranks : {1, 2, 3, 4, 7}) {
    EXPECT_LE(imbalance_of(4000, ranks, [](std::int64_t) { return 3.0; }), 1.003);
    EXPECT_LE(imbalance_of(4000, ranks, [](std::int64_t i) { return static_cast<double>(i + 1); }), 1.01);
    EXPECT_LE(imbalance_of(4000, ranks, [](std::int64_t i) { return static_cast<double>(4000 - i); }), 1.01);
    EXPECT_LE(imbalance_of(4000, ranks, [](std::int64_t i) { return i >= 1800 && i < 2200 ? 1000.0 : 1.0; }), 1.08)
        << "the jump lies between two samples";
  }
}

TEST(EqualCostSlabs, CoverWhatHasNoCostOrOneSpike) {
  for (const std::int64_t items : {1, 2, 3, 7, 511, 512, 513, 4000}) {
    for (const int ranks : {1, 2, 3, 5, 64}) {
      imbalance_of(items, ranks, [](std::int64_t) { return 0.0; });
      imbalance_of(items, ranks, [=](std::int64_t i) { return i == items / 2 ? 1e9 : 0.0; });
      imbalance_of(items, ranks, [](std::int64_t i) { return i == 0 ? 1e9 : 1.0; });
      imbalance_of(items, ranks, [=](std::int64_t i) { return i == items - 1 ? 1e9 : 1.0; });
    }
  }
  // No cost at all: as even as blocks.
  const auto slabs = equal_cost_slabs(8, 4, std::vector<double>(8, 0.0));
  for (const auto& slab : slabs) {
    EXPECT_EQ(slab.size(), 2);
  }
}

TEST(SampleItems, AreEvenlySpreadWithBothEnds) {
  for (const std::int64_t items : {1L, 2L, 7L, 512L, 4000L, 10'000'000'000L}) {
    const auto samples = sample_items(items, 64);
    EXPECT_EQ(samples.front(), 0);
    EXPECT_EQ(samples.back(), items - 1);
    EXPECT_EQ(static_cast<std::int64_t>(samples.size()), std::min<std::int64_t>(items, 2048));
    for (std::size_t k = 1; k < samples.size(); ++k) {
      ASSERT_LT(samples[k - 1], samples[k]);
    }
  }
}

TEST(EqualCostSlabs, HaveTheLeastCostliestSlab) {
  // Of whole items, some of which cost as much as a quarter of a share: the best cut is known by dynamic programming.
  const std::vector<double> costs = {4, 4, 4, 1, 1, 1, 1, 2, 2, 8, 8, 1, 1, 1, 4, 4, 3, 3, 3, 1, 1, 1, 1};
  const auto items = std::ssize(costs);
  const auto cumulative = CumulativeCosts(items, 1, costs);
  for (const int ranks : {1, 2, 3, 5, 7}) {
    const auto slabs = equal_cost_slabs(items, ranks, costs);
    double most = 0;
    for (const auto& slab : slabs) most = std::max(most, cumulative.before(slab.end) - cumulative.before(slab.begin));
    // best[r][i]: of the first i items among r ranks.
    std::vector<std::vector<double>> best(static_cast<std::size_t>(ranks) + 1,
                                          std::vector<double>(static_cast<std::size_t>(items) + 1, 1e300));
    best[0][0] = 0;
    for (std::size_t r = 1; r < best.size(); ++r) {
      for (std::int64_t end = 0; end <= items; ++end) {
        for (std::int64_t begin = 0; begin <= end; ++begin) {
          auto& here = best[r][static_cast<std::size_t>(end)];
          here = std::min(here, std::max(best[r - 1][static_cast<std::size_t>(begin)],
                                         cumulative.before(end) - cumulative.before(begin)));
        }
      }
    }
    EXPECT_NEAR(most, best.back().back(), 1e-6) << ranks << " ranks";
  }
}

TEST(ListCost, IsThatOfTheWorkerWithMost) {
  EXPECT_EQ(list_cost({}, 3), 0);
  EXPECT_EQ(list_cost({5, 1, 1}, 3), 5);
  EXPECT_EQ(list_cost({5, 4, 3, 3, 2}, 2), 9) << "5 3 against 4 3 2";
  EXPECT_EQ(list_cost({1, 1, 1, 9}, 2), 10) << "the costliest last";
  EXPECT_EQ(list_cost({2, 2, 2}, 1), 6);
}

TEST(CostliestSlab, IsTheLargestSum) {
  EXPECT_EQ(costliest_slab({{0, 2}, {2, 2}, {2, 5}}, {1, 2, 3, 1, 1}), 5);
  EXPECT_EQ(costliest_slab({{0, 3}, {3, 5}}, {4, 4, 4, 1, 1}), 12);
}

}  // namespace
}  // namespace paceline
