#include "study/advise/loss.hpp"

#include <map>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

/// 1 and 8 cores whose 4 s of serial, 40 s of parallel work and other seconds are known; three runs each.
Study phased(double imbalance_s, double moved_s, double start_s, double slower) {
  Study study;
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (const int ranks : {1, 8}) {
      Sample sample;
      sample.layout = {ranks, 1, 1};
      sample.repeat = repeat;
      sample.status = SampleStatus::ok;
      auto& phases = sample.phases;
      const bool is_one = ranks == 1;
      phases.init_s = is_one ? 0 : start_s;
      phases.plan_s = 0;
      phases.scatter_s = 0;
      phases.compute_mean_s = 40.0 / ranks * (is_one ? 1 : slower);
      phases.compute_s = phases.compute_mean_s + (is_one ? 0 : imbalance_s);
      phases.gather_s = is_one ? 0 : moved_s;
      phases.write_s = 4;
      phases.serial_s = 4;
      sample.wall_s = phases.init_s + phases.compute_s + phases.gather_s + phases.write_s;
      study.samples.push_back(sample);
    }
  }
  return study;
}

std::map<std::string, double> shares_of(const Loss& loss) { return {loss.shares.begin(), loss.shares.end()}; }

TEST(LossTest, EachCauseHasItsShare) {
  const auto study = phased(1, 2, 0.5, 1.2);
  const auto loss = loss_of(study, study_times(study), nullptr);
  ASSERT_TRUE(loss);
  EXPECT_EQ(loss->source, Loss::Source::phases);
  EXPECT_EQ(loss->layout, (Layout{8, 1, 1}));
  const double lost = 8 * (0.5 + 6 + 1 + 2 + 4) - 44;
  EXPECT_NEAR(loss->lost_core_s, lost, 1e-9);
  const auto shares = shares_of(*loss);
  EXPECT_NEAR(shares.at("serial"), 4 * 7 / lost, 1e-9);
  EXPECT_NEAR(shares.at("imbalance"), 8 * 1 / lost, 1e-9);
  EXPECT_NEAR(shares.at("communication"), 8 * 2 / lost, 1e-9);
  EXPECT_NEAR(shares.at("thread_start_up"), 8 * 0.5 / lost, 1e-9);
  EXPECT_NEAR(shares.at("memory_bandwidth"), 40 * 0.2 / lost, 1e-9);
  EXPECT_NEAR(shares.at("other"), 0, 1e-9);
}

TEST(LossTest, SharesAddToOne) {
  for (const double wall : {0.0, 3.0, -3.0}) {
    auto study = phased(1, 2, 0.5, 1.2);
    for (auto& sample : study.samples) sample.wall_s += sample.layout.ranks == 8 ? wall : 0;
    const auto loss = loss_of(study, study_times(study), nullptr);
    double sum = 0;
    for (const auto& [name, share] : loss->shares) {
      EXPECT_GE(share, 0) << name;
      sum += share;
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(LossTest, HiddenCommunicationCostsNothing) {
  auto study = phased(0, 0, 0, 1);
  for (auto& sample : study.samples) sample.phases.gather_s = 5;  // while others compute: the wall time doesn't show it
  const auto loss = loss_of(study, study_times(study), nullptr);
  EXPECT_NEAR(shares_of(*loss).at("communication"), 0, 1e-9);
  EXPECT_NEAR(shares_of(*loss).at("serial"), 1, 1e-9);
}

TEST(LossTest, WithoutPhasesTheLawSpeaks) {
  const auto& usl = *find_model("usl");
  const auto study = test::made_up(usl, {0.05, 0.002, 10}, test::grid(32, 1), {.noise = 0}, 1);
  const auto times = study_times(study);
  const auto fit = std::get<ModelFit>(fit_model(usl, times, {100, 1}));
  const auto loss = loss_of(study, times, &fit);
  EXPECT_EQ(loss->source, Loss::Source::law);
  const auto shares = shares_of(*loss);
  EXPECT_NEAR(shares.at("serial"), 0.05 * 31 / (0.05 * 31 + 0.002 * 32 * 31), 1e-3);
  EXPECT_NEAR(shares.at("other"), 0, 1e-3);
  const auto unknown = loss_of(study, times, nullptr);
  EXPECT_EQ(unknown->source, Loss::Source::nothing);
  EXPECT_NEAR(shares_of(*unknown).at("other"), 1, 1e-12);
  // The laws' own losses are all that is lost where they are right.
  const auto& two_level = *find_model("two-level");
  const auto hybrid = test::made_up(two_level, {0.98, 0.9, 10}, test::grid(32, 4), {.noise = 0}, 1);
  const auto hybrid_fit = std::get<ModelFit>(fit_model(two_level, study_times(hybrid), {100, 1}));
  EXPECT_NEAR(shares_of(*loss_of(hybrid, study_times(hybrid), &hybrid_fit)).at("serial"), 1, 1e-3);
}

TEST(LossTest, NothingToLose) {
  const auto one = test::made_up(test::amdahl, {0.1, 10, 0}, {{4, 1, 1}}, {}, 1);
  EXPECT_FALSE(loss_of(one, study_times(one), nullptr));
  EXPECT_FALSE(loss_of({}, study_times({}), nullptr));
  auto ideal = test::made_up(test::amdahl, {0, 10, 0}, test::grid(4, 1), {.noise = 0}, 1);
  for (auto& sample : ideal.samples) sample.wall_s *= sample.layout.ranks == 4 ? 0.9 : 1;
  EXPECT_TRUE(loss_of(ideal, study_times(ideal), nullptr)->shares.empty()) << "faster than ideal";
}

TEST(LossTest, SerialFractionIsMeasured) {
  const auto study = phased(0, 0, 0, 1);
  const auto found = measured_serial_fraction(study, study_times(study), nullptr);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->value, 4.0 / 44, 1e-12);
  auto silent = study;
  for (auto& sample : silent.samples) sample.phases = {};
  EXPECT_FALSE(measured_serial_fraction(silent, study_times(silent), nullptr));
}

}  // namespace
}  // namespace paceline
