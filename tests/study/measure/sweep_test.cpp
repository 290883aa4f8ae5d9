// The order of a study: whole blocks, shuffled, the same after every interruption; then the least certain layouts.
#include "study/measure/sweep.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace paceline {
namespace {

Sweep sweep_of(int warmup, int repeats, std::uint64_t seed = 1) {
  Sweep sweep;
  sweep.layouts = product({1, 2, 4}, {1, 2}, {1});
  sweep.warmup = warmup;
  sweep.repeats = repeats;
  sweep.seed = seed;
  return sweep;
}

Sample taken(const PlannedRun& run, double wall_s = 1, SampleStatus status = SampleStatus::ok) {
  Sample sample;
  sample.layout = run.layout;
  sample.warmup = run.warmup;
  sample.repeat = run.repeat;
  sample.wall_s = wall_s;
  sample.status = status;
  return sample;
}

/// All runs of a study in which each run takes `time(layout)`.
template <class Time>
std::vector<Sample> all_runs(const Sweep& sweep, Time&& time, const std::set<Layout>& left_out = {},
                             std::vector<Sample> samples = {}) {
  while (const auto next = next_run(sweep, samples, left_out)) {
    samples.push_back(taken(*next, time(next->layout)));
    if (samples.size() > 10000) ADD_FAILURE() << "it never ends";
    if (samples.size() > 10000) break;
  }
  return samples;
}

double one_second(const Layout& /*layout*/) { return 1; }

bool same_run(const Sample& a, const Sample& b) {
  return a.layout == b.layout && a.warmup == b.warmup && a.repeat == b.repeat;
}

TEST(Sweep, HasEveryCombinationOnce) {
  const auto layouts = product({2, 1, 2}, {3, 1}, {1});
  EXPECT_EQ(layouts, (std::vector<Layout>{{1, 1, 1}, {1, 3, 1}, {2, 1, 1}, {2, 3, 1}}));
}

TEST(Sweep, RunsWholeBlocksInAnotherOrderEach) {
  const auto sweep = sweep_of(1, 5);
  const auto samples = all_runs(sweep, one_second);
  ASSERT_EQ(samples.size(), 36U);
  std::set<std::vector<Layout>> orders;
  for (std::size_t block = 0; block < 6; ++block) {
    std::vector<Layout> order;
    for (std::size_t i = 0; i < 6; ++i) {
      const auto& sample = samples[6 * block + i];
      EXPECT_EQ(sample.warmup, block == 0);
      EXPECT_EQ(sample.repeat, block == 0 ? 0 : static_cast<int>(block) - 1);
      order.push_back(sample.layout);
    }
    orders.insert(order);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, sweep.layouts) << "each layout once a block";
  }
  EXPECT_GE(orders.size(), 5U);
  const auto other = all_runs(sweep_of(1, 5, 2), one_second);
  EXPECT_FALSE(std::equal(samples.begin(), samples.end(), other.begin(), same_run));
}

TEST(Sweep, ShufflesFairly) {
  const auto layouts = product({1, 2, 3}, {1}, {1});
  std::map<std::vector<Layout>, int> counts;
  for (std::uint64_t block = 0; block < 6000; ++block) ++counts[shuffled(layouts, 7, block)];
  EXPECT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 150);
  // The order is part of what a seed promises.
  EXPECT_EQ(shuffled(layouts, 7, 3), shuffled(layouts, 7, 3));
}

TEST(Sweep, GoesOnWhereItStopped) {
  auto sweep = sweep_of(2, 3);
  const auto whole = all_runs(sweep, one_second);
  for (std::size_t stop = 0; stop <= whole.size(); ++stop) {
    const std::vector<Sample> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(stop));
    const auto resumed = all_runs(sweep, one_second, {}, part);
    ASSERT_EQ(resumed.size(), whole.size());
    EXPECT_TRUE(std::equal(resumed.begin(), resumed.end(), whole.begin(), same_run)) << stop;
  }
  // More repeats than before are more blocks behind them.
  sweep.repeats = 4;
  const auto more = all_runs(sweep, one_second, {}, whole);
  EXPECT_EQ(more.size(), whole.size() + 6);
}

TEST(Sweep, LeavesOut) {
  const std::set<Layout> left_out = {{2, 1, 1}, {4, 2, 1}};
  const auto samples = all_runs(sweep_of(1, 2), one_second, left_out);
  EXPECT_EQ(samples.size(), 12U);
  for (const auto& sample : samples) EXPECT_FALSE(left_out.contains(sample.layout));
}

TEST(Sweep, GivesUpAfterTwoFailuresInARow) {
  const auto sweep = sweep_of(1, 5);
  const Layout bad{2, 2, 1};
  const Layout shaky{4, 1, 1};
  std::vector<Sample> samples;
  int runs_of_shaky = 0;
  while (const auto next = next_run(sweep, samples, {})) {
    const bool fails = next->layout == bad || (next->layout == shaky && runs_of_shaky++ % 2 == 0);
    samples.push_back(taken(*next, 1, fails ? SampleStatus::timed_out : SampleStatus::ok));
  }
  const auto count = [&](const Layout& layout) {
    return std::count_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.layout == layout; });
  };
  EXPECT_EQ(count(bad), 2);
  EXPECT_EQ(count(shaky), 6) << "every other run succeeds";
  EXPECT_TRUE(is_given_up(bad, samples));
  EXPECT_FALSE(is_given_up(shaky, samples));
  EXPECT_EQ(times_of(shaky, samples).size(), 3U) << "failures are no results";
}

TEST(Sweep, RepeatsTheLeastCertainUntilAllAreCertain) {
  auto sweep = sweep_of(1, 5);
  sweep.until_ci = 0.02;
  std::mt19937 random(3);
  // One layout's times scatter more than the others'.
  const Layout noisy{4, 2, 1};
  const auto samples = all_runs(sweep, [&](const Layout& layout) {
    std::normal_distribution<double> time(1, layout == noisy ? 0.06 : 0.002);
    return time(random);
  });
  EXPECT_TRUE(uncertain(sweep, samples, {}).empty());
  for (const auto& layout : sweep.layouts) {
    const auto runs = times_of(layout, samples).size();
    EXPECT_GE(runs, 6U) << "of fewer no interval is known";
    if (layout != noisy) {
      EXPECT_LE(runs, 7U);
    } else {
      EXPECT_GE(runs, 15U);
    }
  }
}

TEST(Sweep, EndsThoughALayoutNeverBecomesCertain) {
  auto sweep = sweep_of(0, 2);
  sweep.until_ci = 0.001;
  sweep.most_repeats = 20;
  int runs = 0;
  const auto samples = all_runs(sweep, [&](const Layout& layout) { return layout.ranks == 4 ? ++runs % 2 + 1 : 1; });
  EXPECT_EQ(uncertain(sweep, samples, {}), (std::vector<Layout>{{4, 1, 1}, {4, 2, 1}}));
  EXPECT_EQ(times_of({4, 1, 1}, samples).size(), 20U);
  EXPECT_TRUE(uncertain(sweep, samples, {{4, 1, 1}, {4, 2, 1}}).empty()) << "those left out are nobody's concern";
}

}  // namespace
}  // namespace paceline
