#include "study/advise/recommend.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

struct Seconds {
  Layout layout;
  double seconds;
};

/// Three runs a layout, half a per cent apart.
Study study_of(const std::vector<Seconds>& layouts, ScalingMode mode = ScalingMode::strong) {
  Study study;
  study.info.mode = mode;
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (const auto& [layout, seconds] : layouts) {
      Sample sample;
      sample.layout = layout;
      sample.repeat = repeat;
      sample.order = static_cast<int>(study.samples.size());
      sample.status = SampleStatus::ok;
      sample.wall_s = seconds * (1 + 0.005 * (repeat - 1) * (study.samples.size() % 2 == 0 ? 1 : -1));
      study.samples.push_back(sample);
    }
  }
  return study;
}

Recommendation advice_on(const Study& study) { return recommend(study, study_times(study), nullptr); }

std::string first_of(const Recommendation& advice) { return sentences(advice).front(); }

bool has(const std::vector<std::string>& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const auto& line) { return line.find(part) != std::string::npos; });
}

TEST(RecommendTest, FastestWithItsTies) {
  const auto advice = advice_on(study_of({{{1, 1, 1}, 100}, {{8, 12, 1}, 2}, {{4, 24, 1}, 2.004}, {{96, 1, 1}, 2.6}}));
  ASSERT_EQ(advice.fastest.size(), 2U);
  EXPECT_EQ(advice.fastest.front(), (Layout{8, 12, 1}));
  EXPECT_EQ(first_of(advice), "use 8 ranks x 12 threads; 4 x 24 is no different");
}

TEST(RecommendTest, CheapestWithinFivePercent) {
  const auto advice = advice_on(
      study_of({{{1, 1, 1}, 100}, {{32, 1, 1}, 4.2}, {{48, 1, 1}, 3.12}, {{64, 1, 1}, 3.05}, {{96, 1, 1}, 3}}));
  EXPECT_EQ(advice.fastest, (std::vector<Layout>{{96, 1, 1}}));
  EXPECT_EQ(advice.cheapest, (Layout{48, 1, 1}));
  EXPECT_NEAR(advice.cheapest_cost, 48 * 3.12 / (96 * 3), 1e-9);
  EXPECT_TRUE(
      has(sentences(advice), "cheapest within 5 %: 48 ranks x 1 thread, 52 % of the core-seconds, 4.0 % slower"));
}

TEST(RecommendTest, WhereDoublingStopsToPay) {
  const std::vector<Seconds> layouts = {{{4, 1, 1}, 100}, {{8, 1, 1}, 52}, {{16, 1, 1}, 48.6}, {{32, 1, 1}, 60}};
  const auto cores = advice_on(study_of(layouts));
  ASSERT_TRUE(cores.doubling);
  EXPECT_EQ(cores.doubling->from, (Layout{8, 1, 1}));
  EXPECT_NEAR(cores.doubling->gain, 52 / 48.6 - 1, 1e-9);
  EXPECT_TRUE(has(sentences(cores), "beyond 8 cores you pay double for 7 %"));
  const auto nodes = advice_on(study_of({{{96, 1, 1}, 100}, {{1536, 1, 16}, 10}, {{3072, 1, 32}, 9.35}}));
  EXPECT_TRUE(has(sentences(nodes), "beyond 16 nodes you pay double for 7 %"));
  const auto worse = advice_on(study_of({{{4, 1, 1}, 100}, {{8, 1, 1}, 120}}));
  EXPECT_TRUE(has(sentences(worse), "beyond 4 cores twice as many gain nothing"));
  // Four times the cores in half the time: two doublings of 41 %.
  EXPECT_FALSE(advice_on(study_of({{{4, 1, 1}, 100}, {{16, 1, 1}, 50}})).doubling);
}

TEST(RecommendTest, TheLawSaysWhereDoublingWillStop) {
  const auto study = test::made_up(test::amdahl, {0.01, 100, 0}, test::grid(16, 1), {.noise = 0.001}, 1);
  const auto times = study_times(study);
  const auto fit = std::get<ModelFit>(fit_model(test::amdahl, times, {100, 1}));
  const auto advice = recommend(study, times, &fit);
  ASSERT_TRUE(advice.doubling);
  EXPECT_TRUE(advice.doubling->by_law);
  // s + (1-s)/p < 1.1 (s + (1-s)/2p) holds from p = 4.5 (1-s)/s = 446 on.
  EXPECT_EQ(advice.doubling->from.ranks, 512);
}

TEST(RecommendTest, WeakScalingCountsWork) {
  const auto advice =
      advice_on(study_of({{{1, 1, 1}, 10}, {{8, 1, 1}, 10.5}, {{16, 1, 1}, 12}, {{32, 1, 1}, 23}}, ScalingMode::weak));
  EXPECT_EQ(advice.fastest.front(), (Layout{32, 1, 1}));
  EXPECT_EQ(advice.doubling->from, (Layout{16, 1, 1}));
}

TEST(RecommendTest, NothingRepeatedNothingKnown) {
  auto study = study_of({{{1, 1, 1}, 10}, {{2, 1, 1}, 6}});
  std::erase_if(study.samples, [](const Sample& sample) { return sample.repeat > 0; });
  EXPECT_EQ(first_of(advice_on(study)),
            "use 2 ranks x 1 thread; nothing was repeated, so chance may have made it the fastest");
  EXPECT_EQ(first_of(advice_on({})), "no layout counts, so none is recommended");
  EXPECT_EQ(first_of(advice_on(study_of({{{4, 1, 1}, 10}}))), "use 4 ranks x 1 thread");
}

TEST(RecommendTest, Caveats) {
  auto study = study_of({{{1, 1, 1}, 100}, {{48, 1, 1}, 3.1}, {{60, 1, 1}, 2.9}});
  const auto caveats = [&] { return advice_on(study).caveats; };
  EXPECT_TRUE(caveats().empty()) << "nothing is known of items and cores";
  study.info.command = "paceline fractal --rows 100 --cols 3000";
  // 100 rows on 48 ranks: some have 3, and 2.08 are their share; on 60 ranks 2 of 1.67.
  EXPECT_TRUE(has(caveats(), "100 items don't divide by 48, 60 ranks: in equal blocks one has up to 44 % more"));
  study.info.command = "paceline fractal --rows 100001";
  EXPECT_TRUE(caveats().empty()) << "one row in 1,667 is nothing";
  study.info.machine = {{"cores", "48"}};
  EXPECT_TRUE(has(caveats(), "more threads than the 48 cores of a node, so hyper-threads share them: 60 x 1"));
  study.info.machine = {{"cores", "128"}};
  EXPECT_TRUE(has(caveats(), "leaves 53 % of each node's 128 cores empty"));
  EXPECT_TRUE(has(sentences(advice_on(study)), "beware: "));
  EXPECT_TRUE(has(advice_on(study_of({{{1, 1, 1}, 9}, {{2, 1, 1}, 4}})).caveats, "faster than ideal: 2 x 1 by 12 %"));
}

}  // namespace
}  // namespace paceline
