// How even the plan's schedules are on real images, counted in iterations that were executed, so that it is the same
// on every machine with the same instructions and never noisy.
#include <algorithm>

#include <gtest/gtest.h>

#include <parsed.hpp>

#include "engine/plan.hpp"
#include "report/figures.hpp"
#include "workloads/fractal/fractal.hpp"

namespace paceline::fractal {
namespace {

constexpr int four_ranks = 4;

class Balance : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    fractal = test::workload_of<Fractal>("fractal", GetParam());
    row_.resize(static_cast<std::size_t>(64 * fractal->shape().most_bytes_per_item()));
  }

  PlanRequest request(Schedule schedule) const {
    PlanRequest asked;
    asked.items = fractal->shape().items();
    asked.bytes_per_item = fractal->shape().most_bytes_per_item() + 8;
    asked.ranks = four_ranks;
    asked.schedule = schedule;
    asked.items_between_checks = fractal->traits().items_between_checks;
    if (schedule == Schedule::weighted) {
      for (const auto item : sample_items(asked.items, four_ranks)) asked.costs.push_back(fractal->estimate_cost(item));
    }
    return asked;
  }

  double cost(Slab rows) {
    double sum = 0;
    for (auto begin = rows.begin; begin < rows.end; begin += 64) {
      const Slab some{begin, std::min(begin + 64, rows.end)};
      const auto bytes = fractal->shape().bytes_in(some);
      sum += static_cast<double>(fractal->compute(some, {}, {std::span(row_).first(bytes)}).executed);
    }
    return sum;
  }

  std::unique_ptr<Fractal> fractal;

 private:
  std::vector<std::byte> row_;
};

TEST_P(Balance, OfDynamicIsWithin5Percent) {
  const Plan plan(request(Schedule::dynamic));
  std::vector<double> busy(four_ranks, 0.0);
  for (std::int64_t index = 0; index < plan.all_chunks(); ++index) {
    // Whoever is free first claims the next chunk.
    *std::min_element(busy.begin(), busy.end()) += cost(plan.any_chunk(index).items);
  }
  RecordProperty("imbalance", std::to_string(figures::imbalance(busy)));
  EXPECT_LE(figures::imbalance(busy), 1.05);
}

TEST_P(Balance, OfWeightedIsWithin10Percent) {
  const Plan plan(request(Schedule::weighted));
  std::vector<double> busy;
  for (int rank = 0; rank < four_ranks; ++rank) busy.push_back(cost(plan.own_slab(rank)));
  RecordProperty("imbalance", std::to_string(figures::imbalance(busy)));
  EXPECT_LE(figures::imbalance(busy), 1.10);
}

INSTANTIATE_TEST_SUITE_P(
    Images, Balance,
    testing::Values("", "--interior plain",
                    "--rows 300 --cols 400 --re=-0.7475:-0.7375 --im 0.095:0.105 --max-iter 2000",
                    "--rows 300 --cols 400 --re=-0.7475:-0.7375 --im 0.095:0.105 --max-iter 2000 --interior plain",
                    "--rows 600 --cols 500 --re=-2:1 --im=-1.2:1.2 --max-iter 1000",
                    "--rows 600 --cols 500 --re=-2:1 --im=-1.2:1.2 --max-iter 1000 --interior plain",
                    "--rows 500 --cols 750 --max-iter 10000"));

}  // namespace
}  // namespace paceline::fractal
