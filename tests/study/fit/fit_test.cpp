#include "study/fit/fit.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

using test::amdahl;

ModelFit fitted(const Model& model, const Study& study) {
  auto result = fit_model(model, study_times(study), {400, 1});
  EXPECT_TRUE(std::holds_alternative<ModelFit>(result)) << std::get<std::string>(result);
  return std::get<ModelFit>(std::move(result));
}

void expect_around(const Interval& interval, double truth, double tolerance) {
  EXPECT_NEAR(interval.value, truth, tolerance);
  EXPECT_LE(interval.low, interval.value);
  EXPECT_GE(interval.high, interval.value);
  EXPECT_NEAR(interval.low, truth, tolerance);
  EXPECT_NEAR(interval.high, truth, tolerance);
}

TEST(FitTest, ExactDataRecoversParameters) {
  for (const auto& model : models()) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto made = test::random_case(model, seed);
      for (const int repeats : {1, 3}) {
        const auto study = test::made_up(model, made.values, made.layouts, {.repeats = repeats, .noise = 0}, seed);
        const auto fit = fitted(model, study);
        EXPECT_EQ(fit.misfit, 0);
        for (std::size_t k = 0; k < model.size(); ++k) {
          expect_around(fit.parameters[k], made.values[k], 1e-4 * std::max(0.1, made.values[k]));
        }
      }
    }
  }
}

TEST(FitTest, TheSameFileGivesTheSameFit) {
  const auto study = test::made_up(amdahl, {0.1, 10, 0}, test::grid(8, 2), {}, 5);
  const auto one = fitted(amdahl, study), other = fitted(amdahl, study);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(one.parameters[k].low, other.parameters[k].low);
    EXPECT_EQ(one.parameters[k].high, other.parameters[k].high);
  }
  EXPECT_EQ(one.predict({64, 1, 1}).high, other.predict({64, 1, 1}).high);
}

TEST(FitTest, TheLawsBandHoldsTheLawAndIsNarrowerThanPredictionsAndThanItsParametersEnds) {
  // Of another law, so that this one misses its layouts.
  const auto study = test::made_up(*find_model("usl"), {0.05, 0.02, 10}, test::grid(16, 1), {}, 5);
  const auto fit = fitted(amdahl, study);
  ASSERT_GT(fit.misfit, 0);
  for (const int ranks : {2, 8, 64}) {
    const Layout layout{ranks, 1, 1};
    const auto band = fit.law_at(layout), prediction = fit.predict(layout);
    EXPECT_EQ(band.value, amdahl.predict(fit.values, layout));
    EXPECT_LT(band.low, band.value);
    EXPECT_GT(band.high, band.value);
    EXPECT_LT(band.high / band.low, prediction.high / prediction.low) << ranks;
    const auto &s = fit.parameters[0], &t1 = fit.parameters[1];
    EXPECT_GT(band.low, amdahl.predict({s.low, t1.low, 0}, layout)) << ranks;
    EXPECT_LT(band.high, amdahl.predict({s.high, t1.high, 0}, layout)) << ranks;
  }
}

TEST(FitTest, UnboundRunsChangeNothing) {
  auto study = test::made_up(amdahl, {0.1, 10, 0}, test::grid(8, 1), {}, 5);
  const auto before = fitted(amdahl, study);
  for (int repeat = 0; repeat < 5; ++repeat) {
    Sample sample = study.samples.back();
    sample.layout = {16, 1, 1};
    sample.repeat = repeat;
    sample.wall_s = 100;
    sample.bound_ok = false;
    study.samples.push_back(sample);
  }
  EXPECT_EQ(fitted(amdahl, study).parameters[0].value, before.parameters[0].value);
}

TEST(FitTest, TruthOnABoundIsOneSided) {
  int covered = 0;
  constexpr int studies = 100;
  for (std::uint64_t i = 0; i < studies; ++i) {
    const auto fit = fitted(amdahl, test::made_up(amdahl, {0, 10, 0}, test::grid(16, 1), {}, i));
    EXPECT_GE(fit.parameters[0].low, 0);
    EXPECT_GT(fit.parameters[0].high, 0) << "noise never shows that nothing is serial";
    covered += fit.parameters[0].low == 0 ? 1 : 0;
  }
  EXPECT_GE(covered, 90);
}

TEST(FitTest, TwoLayoutsDetermineALawThatTheyCantTest) {
  const auto study = test::made_up(amdahl, {0.1, 10, 0}, {{1, 1, 1}, {2, 1, 1}}, {.noise = 0.001}, 1);
  const auto fit = fitted(amdahl, study);
  EXPECT_FALSE(fit.is_testable);
  expect_around(fit.parameters[0], 0.1, 0.01);
}

TEST(FitTest, FasterThanAnyLawAllowsIsAMisfit) {
  auto study = test::made_up(amdahl, {0, 10, 0}, {{1, 1, 1}, {2, 1, 1}}, {.noise = 0.005}, 1);
  for (auto& sample : study.samples) sample.wall_s *= sample.layout.ranks == 2 ? 0.9 : 1;
  const auto fit = fitted(amdahl, study);
  EXPECT_EQ(fit.parameters[0].value, 0);
  EXPECT_LT(fit.misfit_p, 0.01);
  EXPECT_GT(fit.parameters[1].high, 10) << "the bound took half of the difference from one core's time";
}

TEST(FitTest, TwoRunsLeaveTheNoiseUnknown) {
  const auto study = test::made_up(amdahl, {0.1, 10, 0}, {{1, 1, 1}, {2, 1, 1}}, {.repeats = 1, .noise = 0.001}, 1);
  const auto fit = fitted(amdahl, study);
  EXPECT_NEAR(fit.parameters[0].value, 0.1, 0.02);
  EXPECT_TRUE(std::isnan(fit.parameters[0].low));
  EXPECT_TRUE(std::isnan(fit.aicc));
  EXPECT_TRUE(std::isnan(fit.predict({4, 1, 1}).low));
  EXPECT_FALSE(std::isnan(fit.predict({4, 1, 1}).value));
}

TEST(FitTest, WithoutRepeatsTheMisfitIsTheNoise) {
  int covered = 0;
  constexpr int studies = 200;
  for (std::uint64_t i = 0; i < studies; ++i) {
    const auto fit = fitted(amdahl, test::made_up(amdahl, {0.1, 10, 0}, test::grid(32, 1), {.repeats = 1}, i));
    covered += fit.parameters[0].low <= 0.1 && 0.1 <= fit.parameters[0].high ? 1 : 0;
  }
  EXPECT_GE(covered, 0.90 * studies);
  EXPECT_LE(covered, 0.99 * studies);
}

TEST(FitTest, SaysWhatIsMissing) {
  const auto why = [](const char* law, const std::vector<Layout>& layouts) {
    const auto result =
        fit_model(*find_model(law), study_times(test::made_up(amdahl, {0.1, 10, 0}, layouts, {}, 1)), {100, 1});
    const auto* text = std::get_if<std::string>(&result);
    return text == nullptr ? std::string() : *text;
  };
  EXPECT_EQ(why("amdahl", {}), "its 2 parameters need 2 different numbers of cores");
  EXPECT_EQ(why("amdahl", {{4, 1, 1}}), "its 2 parameters need 2 different numbers of cores");
  EXPECT_EQ(why("usl", {{1, 1, 1}, {2, 1, 1}, {1, 2, 1}}), "its 3 parameters need 3 different numbers of cores");
  EXPECT_EQ(why("two-level", test::grid(64, 1)),
            "its 3 parameters need several numbers of ranks and several of threads");
}

TEST(FitTest, AMisfitWidensIntervals) {
  // Layouts go up and down by 10 % around the law, which their runs' noise of 0.5 % doesn't explain.
  auto study = test::made_up(amdahl, {0.1, 10, 0}, test::grid(128, 1), {.noise = 0.005}, 3);
  const auto narrow = fitted(amdahl, study);
  for (auto& sample : study.samples) {
    sample.wall_s *= std::lround(std::log2(sample.layout.ranks)) % 2 == 0 ? 1.1 : 0.9;
  }
  const auto fit = fitted(amdahl, study);
  EXPECT_EQ(narrow.misfit, 0);
  EXPECT_LT(fit.misfit_p, 1e-6);
  EXPECT_NEAR(fit.misfit, 0.1, 0.04);
  EXPECT_GT(fit.parameters[0].high - fit.parameters[0].low, 5 * (narrow.parameters[0].high - narrow.parameters[0].low));
}

}  // namespace
}  // namespace paceline
