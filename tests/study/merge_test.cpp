// Parts of a study in one: samples, blocks and facts, and parts that do not belong together.
#include "study/merge.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

#include "study/measure/facts.hpp"
#include "study/profile/efficiency_rows.hpp"

namespace paceline {
namespace {

const std::vector<std::filesystem::path> names = {"a.h5", "b.h5"};

Sample sample_of(const Layout& layout, int repeat, const std::string& started, const std::string& digest = "d") {
  Sample sample;
  sample.layout = layout;
  sample.repeat = repeat;
  sample.started = started;
  sample.digest = digest;
  sample.status = SampleStatus::ok;
  sample.wall_s = 1;
  return sample;
}

Study part(int nodes, const std::string& job, const std::string& hour) {
  Study study;
  study.info = {"solver", "srun", ScalingMode::strong, {{"cpu_model", "X"}, {"cores", "8"}, {"slurm_job_id", job}}};
  study.info.machine.emplace_back("layouts", job + "x1x1");
  study.info.machine.emplace_back("launcher_lines", "srun " + job);
  for (int repeat = 0; repeat < 3; ++repeat) {
    study.samples.push_back(sample_of({8 * nodes, 1, nodes}, repeat, fmt::format("{}:0{}", hour, repeat)));
  }
  study.left_out = {{{99, 1, nodes}, "too large"}};
  return study;
}

TEST(Merge, KeepsEveryRunInTheOrderOfTime) {
  const auto whole = merged({part(2, "12", "11"), part(1, "7", "10")}, names);
  ASSERT_EQ(whole.samples.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(whole.samples[i].order, static_cast<int>(i));
    EXPECT_EQ(whole.samples[i].layout.nodes, i < 3 ? 1 : 2) << "the second part was measured first";
  }
  EXPECT_EQ(whole.left_out.size(), 2U);
}

TEST(Merge, BlocksOfPartsAreNotShared) {
  const auto whole = merged({part(1, "7", "10"), part(2, "12", "11")}, names);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(whole.samples[i].repeat, static_cast<int>(i));
}

TEST(Merge, KeepsFactsThatDiffer) {
  const auto whole = merged({part(1, "7", "10"), part(2, "12", "11")}, names);
  EXPECT_EQ(fact(whole.info.machine, "slurm_job_id"), "7 | 12");
  EXPECT_EQ(fact(whole.info.machine, "layouts"), "7x1x1 12x1x1");
  EXPECT_EQ(fact(whole.info.machine, "launcher_lines"), "srun 7\nsrun 12");
  EXPECT_EQ(fact(whole.info.machine, "cpu_model"), "X");
  EXPECT_EQ(whole.info.command, "solver");
}

TEST(Merge, KeepsMeasuredEfficiencies) {
  const auto profiled = [](Study study, double parallel) {
    EfficiencyRow row;
    row.layout = study.samples.front().layout;
    row.parallel = parallel;
    study.more_tables.push_back(efficiency_table({row}));
    return study;
  };
  const auto whole =
      merged({profiled(part(2, "12", "11"), 0.5), part(4, "13", "12"), profiled(part(1, "7", "10"), 0.75)},
             {"a.h5", "b.h5", "c.h5"});
  const auto rows = efficiency_rows(whole);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].layout, (Layout{16, 1, 2}));
  EXPECT_EQ(rows[0].parallel, 0.5);
  EXPECT_EQ(rows[1].parallel, 0.75);
  EXPECT_TRUE(merged({part(2, "12", "11")}, {"a.h5"}).more_tables.empty());
}

TEST(Merge, OneAloneIsItself) {
  const auto alone = part(1, "7", "10");
  const auto whole = merged({alone}, {names[0]});
  EXPECT_EQ(whole.info.machine, alone.info.machine);
  EXPECT_EQ(whole.samples.size(), alone.samples.size());
}

TEST(Merge, RefusesPartsOfDifferentStudies) {
  const auto refused = [&](const Study& other, const std::string& what) {
    const auto error = test::error_of([&] { merged({part(1, "7", "10"), other}, names); });
    ASSERT_TRUE(error) << what;
    EXPECT_EQ(error->kind(), ErrorKind::input);
    EXPECT_TRUE(test::says(*error, what)) << error->what();
    EXPECT_TRUE(test::says(*error, "a.h5 and b.h5")) << error->what();
  };
  auto other = part(2, "12", "11");
  other.info.command = "another";
  refused(other, "the command");
  other = part(2, "12", "11");
  other.info.launcher = "mpirun";
  refused(other, "the launcher");
  other = part(2, "12", "11");
  other.info.mode = ScalingMode::weak;
  refused(other, "the mode");
  other = part(2, "12", "11");
  other.info.machine[0].second = "Y";
  refused(other, "cpu_model");
}

TEST(Merge, RefusesTheSameRunsTwice) {
  const auto one = part(1, "7", "10");
  auto copy = one;
  copy.samples.erase(copy.samples.begin());
  const auto error = test::error_of([&] { merged({part(2, "12", "11"), one, copy}, {"a.h5", "b.h5", "c.h5"}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
  EXPECT_TRUE(test::says(*error, "b.h5 and c.h5 hold the same runs")) << error->what();
  for (auto& sample : copy.samples) sample.wall_s = 2;
  EXPECT_FALSE(test::error_of([&] { merged({one, copy}, names); })) << "started in the same second";
}

}  // namespace
}  // namespace paceline
