#include "study/advise/consequences.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

#include "study/advise/analysis.hpp"

namespace paceline {
namespace {

TEST(ConsequencesTest, AmdahlsLimitHasTheFractionsInterval) {
  const auto analysis = analyse(test::made_up(*find_model("amdahl"), {0.1, 10, 0}, test::grid(16, 1), {}, 3), "auto",
                                std::nullopt, {}, 0.7);
  const auto& limit = *analysis.consequences.amdahl_limit;
  const auto& s = analysis.fits.front().parameters.front();
  EXPECT_NEAR(limit.value, 1 / s.value, 1e-9);
  EXPECT_NEAR(limit.low, 1 / s.high, 0.02 / s.high);
  EXPECT_NEAR(limit.high, 1 / s.low, 0.02 / s.low);
  // 1/(1 + 0.1*(p - 1)) >= 0.7 up to p = 5.3
  EXPECT_NEAR(*analysis.consequences.cores_by_law, 5, 1);
  EXPECT_EQ(analysis.consequences.at_threshold->cores(), 4);
}

TEST(ConsequencesTest, NothingSerialHasNoLimit) {
  const auto analysis = analyse(test::made_up(*find_model("amdahl"), {0, 10, 0}, test::grid(16, 1), {.noise = 0}, 3));
  EXPECT_GT(analysis.consequences.amdahl_limit->high, 1e6);
  EXPECT_EQ(analysis.consequences.at_threshold->cores(), 16);
}

TEST(ConsequencesTest, ThePeakIsWhereTheLawIsFastest) {
  const auto analysis = analyse(test::made_up(*find_model("usl"), {0.02, 0.001, 10}, test::grid(64, 1), {}, 3));
  const auto& peak = *analysis.consequences.usl_peak_cores;
  const auto& speedup = *analysis.consequences.usl_peak_speedup;
  EXPECT_LE(peak.low, std::sqrt(0.98 / 0.001));
  EXPECT_GE(peak.high, std::sqrt(0.98 / 0.001));
  EXPECT_LE(speedup.low, speedup.value);
  EXPECT_GE(speedup.high, speedup.value);
  for (const auto& fit : analysis.fits) {
    if (fit.model->name != "usl") continue;
    const auto seconds = [&](double cores) {
      return fit.model->predict(fit.values, {static_cast<int>(std::lround(cores)), 1, 1});
    };
    EXPECT_LE(seconds(peak.value), seconds(peak.value * 1.5));
    EXPECT_LE(seconds(peak.value), seconds(peak.value / 1.5));
    EXPECT_NEAR(seconds(1) / seconds(peak.value), speedup.value, 0.01 * speedup.value);
  }
}

TEST(AnalysisTest, NamesALayoutThatNeedsMuchMoreMemory) {
  auto study = test::made_up(*find_model("amdahl"), {0.1, 10, 0}, {{1, 1, 1}, {4, 1, 1}, {1, 4, 1}}, {}, 3);
  const auto caveats = [&] { return analyse(study).recommendation.caveats; };
  EXPECT_TRUE(caveats().empty());
  for (auto& sample : study.samples) sample.sum_rss_bytes = sample.max_rss_bytes = 100'000'000;
  EXPECT_TRUE(caveats().empty());
  for (auto& sample : study.samples) sample.sum_rss_bytes *= sample.layout.ranks;
  ASSERT_EQ(caveats().size(), 1U);
  EXPECT_EQ(caveats()[0], "4 x 1 needs 400.0 MB of memory in all, 1 x 4 needs 100.0 MB");
}

}  // namespace
}  // namespace paceline
