// The tree of sums: exact where it can be, the same whatever the order of arrival, and never NaN by its own doing.
#include "workloads/array/partial.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <support.hpp>

namespace paceline::array {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double quiet_nan = std::numeric_limits<double>::quiet_NaN();

double sum_of(const std::vector<double>& blocks) {
  PartialTree tree;
  for (const double block : blocks) tree.add({block, 0});
  return tree.sum().value();
}

TEST(Partial, CarriesWhatAPlainSumLoses) {
  EXPECT_EQ(sum_of({1e16, 1, -1e16}), 1.0);
  EXPECT_EQ(sum_of({1, 1e100, 1, -1e100}), 2.0) << "as the paper's example";
  EXPECT_EQ(sum_of({}), 0.0);
  EXPECT_EQ(sum_of({0.5}), 0.5);
  const auto lost = two_sum(1e16, 1);
  EXPECT_EQ(lost.high, 1e16);
  EXPECT_EQ(lost.low, 1.0);
}

TEST(Partial, ComposesATreeThatIsPairwise) {
  // Expected: the same pairs by recursion.
  for (const std::size_t count : {1, 2, 3, 5, 8, 13, 100, 127}) {
    std::vector<Partial> level;
    PartialTree tree;
    for (std::size_t i = 0; i < count; ++i) {
      const Partial block{std::ldexp(static_cast<double>(test::scrambled(i)), -40), 1e-9};
      level.push_back(block);
      tree.add(block);
    }
    std::vector<Partial> groups;  // of a power of two each, from large to small
    for (std::size_t begin = 0; begin < count;) {
      std::size_t size = 1;
      while (begin + 2 * size <= count) size *= 2;
      std::vector<Partial> group(level.begin() + static_cast<long>(begin),
                                 level.begin() + static_cast<long>(begin + size));
      while (group.size() > 1) {
        for (std::size_t i = 0; i < group.size() / 2; ++i) group[i] = group[2 * i] + group[2 * i + 1];
        group.resize(group.size() / 2);
      }
      groups.push_back(group.front());
      begin += size;
    }
    auto expected = groups.back();
    for (auto group = groups.rbegin() + 1; group != groups.rend(); ++group) expected = *group + expected;
    EXPECT_EQ(tree.sum().high, expected.high) << count;
    EXPECT_EQ(tree.sum().low, expected.low) << count;
  }
}

TEST(Partial, PassesInfinityAndNaN) {
  EXPECT_EQ(sum_of({1, inf, 2}), inf);
  EXPECT_EQ(sum_of({1, -inf, 2}), -inf);
  EXPECT_TRUE(std::isnan(sum_of({inf, -inf})));
  EXPECT_TRUE(std::isnan(sum_of({1, quiet_nan, 2})));
  EXPECT_EQ(sum_of({1e308, 1e308, 1e308}), inf) << "overflow is no NaN";
  EXPECT_EQ(sum_of({1e308, 7e307}), 1.7e308);
}

TEST(Partial, CombinesLanes) {
  double sums[sum_lanes] = {}, errors[sum_lanes] = {};
  for (std::size_t i = 0; i < sum_lanes; ++i) sums[i] = static_cast<double>(i);
  errors[3] = 1e-20;
  const auto all = combined_lanes(sums, errors);
  EXPECT_EQ(all.high, 120.0);
  EXPECT_EQ(all.low, 1e-20);
  sums[5] = inf;
  errors[5] = quiet_nan;
  EXPECT_EQ(combined_lanes(sums, errors).value(), inf);
}

}  // namespace
}  // namespace paceline::array
