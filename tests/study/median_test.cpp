// The interval of the median: what the tables of order statistics say, and how often it holds the truth.
#include "study/median.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace paceline {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(MedianInterval, IsTheTextbooks) {
  // n, rank of the lower end at 95 %: tables of the sign test.
  const std::pair<int, int> table[] = {{6, 1},  {7, 1},  {8, 1},  {9, 2},   {10, 2},  {12, 3},
                                       {15, 4}, {20, 6}, {25, 8}, {30, 10}, {50, 18}, {100, 40}};
  for (const auto& [n, rank] : table) {
    const auto interval = median_interval(one_to(n));
    EXPECT_EQ(interval.low, rank) << n;
    EXPECT_EQ(interval.high, n + 1 - rank) << n;
    EXPECT_EQ(interval.median, (n + 1) / 2.0) << n;
  }
}

TEST(MedianInterval, IsUnboundedOfTooFewSamples) {
  for (int n = 1; n <= 5; ++n) {
    const auto interval = median_interval(one_to(n));
    EXPECT_EQ(interval.median, (n + 1) / 2.0);
    EXPECT_FALSE(interval.is_bounded()) << n;
    EXPECT_TRUE(std::isinf(interval.relative_half_width()));
  }
  EXPECT_TRUE(std::isnan(median_interval({}).median));
  EXPECT_FALSE(median_interval({}).is_bounded());
  // Less confidence is to be had of less: of 5 samples the extremes hold the median with 15/16.
  EXPECT_TRUE(median_interval(one_to(5), 0.93).is_bounded());
}

TEST(MedianInterval, DoesNotMindOrderAndScale) {
  const double values[] = {5, 1, 4, 2, 6, 3, 7};
  const auto interval = median_interval(values);
  EXPECT_EQ(interval.median, 4);
  EXPECT_EQ(interval.low, 1);
  EXPECT_EQ(interval.high, 7);
  EXPECT_DOUBLE_EQ(interval.relative_half_width(), 0.75);
  const std::vector<double> same(6, 2.5);
  EXPECT_EQ(median_interval(same).relative_half_width(), 0);
}

TEST(MedianInterval, WorksForMany) {
  const auto interval = median_interval(one_to(100000));
  // Normal approximation: 50000 -+ 1.96 sqrt(n) / 2.
  EXPECT_NEAR(interval.low, 50000 - 0.98 * std::sqrt(100000.0), 2);
  EXPECT_NEAR(interval.high, 50001 + 0.98 * std::sqrt(100000.0), 2);
}

TEST(MedianInterval, HoldsTheTruthAsOftenAsItSays) {
  // Run times are skewed: a log-normal distribution, whose median is known to be 1.
  std::mt19937_64 random(4);
  std::lognormal_distribution<double> times(0.0, 0.4);
  for (const int n : {6, 9, 15, 40}) {
    constexpr int repeats = 4000;
    int held = 0;
    for (int study = 0; study < repeats; ++study) {
      std::vector<double> samples(static_cast<std::size_t>(n));
      for (auto& sample : samples) sample = times(random);
      const auto interval = median_interval(samples);
      held += interval.low <= 1 && 1 <= interval.high ? 1 : 0;
    }
    // At least 95 %, short of three standard errors; at most what the binomial gives for n = 6 and 9, and some.
    EXPECT_GE(held, repeats * 0.94) << n;
    EXPECT_LE(held, repeats * 0.98) << n;
  }
}

}  // namespace
}  // namespace paceline
