// What counts of a study, and what is said of its noise.
#include "study/fit/times.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

using test::amdahl;

Study plain(const test::Conditions& conditions, std::uint64_t seed = 1) {
  return test::made_up(amdahl, {0.1, 10, 0}, test::grid(16, 2), conditions, seed);
}

const LayoutTimes& of(const Times& times, const Layout& layout) {
  return *std::find_if(times.layouts.begin(), times.layouts.end(), [&](const auto& l) { return l.layout == layout; });
}

TEST(TimesTest, OnlyGoodRunsCount) {
  auto study = plain({});
  const auto set = [&](const Layout& layout, auto&& change) {
    for (auto& sample : study.samples) {
      if (sample.layout == layout && !sample.warmup) change(sample);
    }
  };
  set({1, 2, 1}, [](Sample& s) { s.bound_ok = false; });
  set({2, 1, 1}, [](Sample& s) { s.status = SampleStatus::failed, s.wall_s = NAN; });
  set({2, 2, 1}, [](Sample& s) { s.wall_s = NAN; });
  set({4, 1, 1}, [](Sample& s) { s.status = s.repeat == 0 ? SampleStatus::timed_out : SampleStatus::no_time; });
  set({4, 2, 1}, [](Sample& s) { s.wall_s = s.repeat == 0 ? -1 : s.wall_s; });
  std::erase_if(study.samples, [](const Sample& s) { return s.layout == Layout{8, 1, 1} && !s.warmup; });
  study.left_out.emplace_back(Layout{64, 1, 1}, "it needs 64 cores");
  const auto times = study_times(study);
  EXPECT_EQ(of(times, {1, 2, 1}).why_not, "no run counts: 5 with threads that share a core");
  EXPECT_TRUE(std::isfinite(of(times, {1, 2, 1}).median_s));
  EXPECT_EQ(of(times, {2, 1, 1}).why_not, "no run counts: 5 failed");
  EXPECT_TRUE(std::isnan(of(times, {2, 1, 1}).median_s));
  EXPECT_EQ(of(times, {2, 2, 1}).why_not, "no run counts: 5 reported a time that is not a positive number");
  EXPECT_EQ(of(times, {4, 1, 1}).why_not, "no run counts: 1 timed out, 4 reported no time");
  EXPECT_EQ(of(times, {8, 1, 1}).why_not, "only a warm-up was run");
  EXPECT_EQ(of(times, {64, 1, 1}).why_not, "it needs 64 cores");
  EXPECT_EQ(of(times, {4, 2, 1}).runs.size(), 4U);
  EXPECT_TRUE(of(times, {4, 2, 1}).why_not.empty());
  EXPECT_EQ(times.unbound, 5);
  EXPECT_EQ(times.failed, 5 + 5 + 5 + 1);
  EXPECT_EQ(times.warmups, 9);
}

TEST(TimesTest, WarmUpsDontCount) {
  // Warm-ups take twice the time: one among the runs would show.
  const auto times = study_times(plain({.noise = 0.001}));
  EXPECT_NEAR(of(times, {1, 1, 1}).median_s, 10, 0.05);
  EXPECT_NEAR(std::exp(of(times, {1, 1, 1}).centre), 10, 0.05);
}

TEST(TimesTest, NoiseIsMeasured) {
  double sum = 0;
  constexpr int studies = 200;
  for (int i = 0; i < studies; ++i) {
    const auto times = study_times(plain({.repeats = 3, .noise = 0.03}, static_cast<std::uint64_t>(i)));
    sum += times.noise * times.noise;
    double square = 0;
    for (const double r : times.residuals) square += r * r / static_cast<double>(times.residuals.size());
    EXPECT_NEAR(square, 1, 1e-9);
  }
  EXPECT_NEAR(std::sqrt(sum / studies), 0.03, 0.001);
}

TEST(TimesTest, OutliersAreNamedAndWeighLittle) {
  auto study = plain({.noise = 0.01});
  auto& odd = *std::find_if(study.samples.begin(), study.samples.end(), [](const Sample& s) {
    return s.layout == Layout{4, 1, 1} && s.repeat == 3;
  });
  const double before = study_times(study).layouts[4].centre;
  odd.wall_s *= 1.5;
  const auto times = study_times(study);
  ASSERT_EQ(times.outliers.size(), 1U);
  EXPECT_EQ(times.outliers.front().layout, (Layout{4, 1, 1}));
  EXPECT_EQ(times.outliers.front().repeat, 3);
  EXPECT_NEAR(times.outliers.front().ratio, 1.5, 0.05);
  EXPECT_EQ(times.outliers.front().weight, 0);
  EXPECT_EQ(times.layouts[4].runs.size(), 5U) << "it is kept";
  EXPECT_NEAR(times.layouts[4].centre, before, 0.01);
}

TEST(TimesTest, FewRunsAreCalledOutliersWhereThereAreNone) {
  std::size_t outliers = 0, runs = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto study = plain({.repeats = 5}, i);
    outliers += study_times(study).outliers.size();
    runs += study.samples.size();
  }
  EXPECT_LT(static_cast<double>(outliers), 0.005 * static_cast<double>(runs));
}

TEST(TimesTest, TiesOfACoarseClockAreNoOutliers) {
  auto study = plain({.repeats = 7, .noise = 0.01});
  EXPECT_EQ(study_times(study).clock_s, 0);
  // Most runs of the large layouts seem to take the same time.
  for (auto& sample : study.samples) sample.wall_s = std::round(sample.wall_s * 10) / 10;
  const auto times = study_times(study);
  EXPECT_EQ(times.clock_s, 0.1);
  EXPECT_TRUE(times.outliers.empty());
  for (const auto* layout : times.used()) EXPECT_GE(layout->noise, 0.1 / layout->median_s / 4);
  for (auto& sample : study.samples) sample.wall_s = sample.repeat == 6 ? 1.01 : 1;
  EXPECT_TRUE(study_times(study).outliers.empty());
}

TEST(TimesTest, ANoisyLayoutHasItsOwnNoise) {
  auto study = plain({.repeats = 10, .noise = 0.01});
  BootstrapGenerator generator(9);
  for (auto& sample : study.samples) {
    if (sample.layout == Layout{8, 2, 1}) sample.wall_s *= std::exp(0.2 * generator.normal());
  }
  const auto times = study_times(study);
  EXPECT_GT(of(times, {8, 2, 1}).noise, 0.05);
  EXPECT_LT(of(times, {8, 1, 1}).noise, 0.03);
  EXPECT_LT(times.df, 9 * 9.0);
}

TEST(TimesTest, BlocksAreToldFromLayoutsAndNoise) {
  int seen = 0, wrongly = 0;
  double square = 0;
  constexpr int studies = 100;
  for (std::uint64_t i = 0; i < studies; ++i) {
    const auto with = study_times(plain({.repeats = 8, .noise = 0.01, .block_noise = 0.05}, i));
    seen += with.blocks_p < 0.05 ? 1 : 0;
    square += with.block_sd * with.block_sd / studies;
    EXPECT_LT(with.noise, 0.02) << "the noise is without that of blocks";
    wrongly += study_times(plain({.repeats = 8, .noise = 0.01}, i)).blocks_p < 0.05 ? 1 : 0;
  }
  EXPECT_GT(seen, 95);
  EXPECT_LT(wrongly, 15);
  EXPECT_NEAR(std::sqrt(square), 0.05, 0.01);
}

TEST(TimesTest, DriftIsSeenWhereThereIsOne) {
  int seen = 0, wrongly = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto drifting = study_times(plain({.repeats = 6, .noise = 0.02, .drift = 0.1}, i)).drift;
    seen += drifting.p_value < 0.05 ? 1 : 0;
    EXPECT_NEAR(drifting.change, 0.09, 0.06);
    wrongly += study_times(plain({.repeats = 6, .noise = 0.02}, i)).drift.p_value < 0.05 ? 1 : 0;
  }
  EXPECT_GT(seen, 95);
  EXPECT_LT(wrongly, 15);
}

TEST(TimesTest, NothingToSayOfNothing) {
  const auto none = study_times({});
  EXPECT_TRUE(none.layouts.empty());
  EXPECT_FALSE(none.has_noise());
  const auto once = study_times(plain({.repeats = 1}));
  EXPECT_FALSE(once.has_noise());
  EXPECT_EQ(once.used().size(), 9U);
  // Clocks that tell the same time again and again.
  const auto equal = study_times(plain({.noise = 0}));
  EXPECT_TRUE(equal.has_noise());
  EXPECT_LE(equal.noise, least_noise);
  EXPECT_TRUE(equal.outliers.empty());
}

TEST(TimesTest, MedianOfEvenCounts) {
  EXPECT_EQ(median_of({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median_of({3, 1, 2}), 2);
  EXPECT_TRUE(std::isnan(median_of({})));
}

}  // namespace
}  // namespace paceline
