#include "study/profile/efficiency_rows.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include <support.hpp>

namespace paceline {
namespace {

EfficiencyRow row(Layout layout, double useful_s, double balance, double communication) {
  EfficiencyRow made;
  made.layout = layout;
  made.wall_s = 1;
  made.elapsed_s = 1;
  made.useful_s = useful_s;
  made.mpi_load_balance = balance;
  made.mpi_communication = communication;
  made.mpi = made.parallel = balance * communication;
  return made;
}

Study study_of_rows(const std::vector<EfficiencyRow>& rows) {
  Study study;
  study.more_tables.push_back(efficiency_table(rows));
  return study;
}

TEST(EfficiencyRowsTest, TableKeepsAll) {
  auto missing = row({2, 3, 1}, 4, 0.5, 0.25);
  missing.why_not = "1 of 2 ranks left no record";
  const auto rows = efficiency_rows(study_of_rows({row({1, 1, 1}, 5, 1, 0.9), missing}));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].layout, (Layout{2, 3, 1}));
  EXPECT_EQ(rows[1].useful_s, 4);
  EXPECT_EQ(rows[1].mpi_communication, 0.25);
  EXPECT_TRUE(std::isnan(rows[1].openmp));
  EXPECT_EQ(rows[1].why_not, missing.why_not);
  EXPECT_TRUE(efficiency_rows(Study{}).empty());
}

TEST(EfficiencyRowsTest, SaysWhatFell) {
  const auto found = layout_efficiencies(study_of_rows({row({4, 1, 1}, 5, 0.9, 0.6), row({1, 1, 1}, 5, 1, 0.95)}));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].row.layout.ranks, 1);
  EXPECT_TRUE(found[0].fell_most.empty());
  EXPECT_EQ(found[1].fell_most, "communication");
  EXPECT_DOUBLE_EQ(found[1].fell_to, 0.6);
  EXPECT_DOUBLE_EQ(found[1].computation, 1);
  // Slower cores are no factor of the tree.
  const auto slower = layout_efficiencies(study_of_rows({row({1, 1, 1}, 5, 1, 1), row({2, 1, 1}, 10, 1, 0.9)}));
  EXPECT_DOUBLE_EQ(slower[1].computation, 0.5);
  EXPECT_NE(slower[1].fell_most.find("the work itself"), std::string::npos);
}

TEST(EfficiencyRowsTest, WorkGrowsInWeakMode) {
  auto study = study_of_rows({row({1, 1, 1}, 5, 1, 1), row({4, 1, 1}, 20, 1, 1)});
  study.info.mode = ScalingMode::weak;
  EXPECT_DOUBLE_EQ(layout_efficiencies(study)[1].computation, 1);
}

TEST(EfficiencyRowsTest, TakesTheMiddleOfSeveralRunsAndNoneThatFailed) {
  auto failed = row({1, 1, 1}, 5, 0.1, 0.1);
  failed.why_not = "killed";
  const auto found = layout_efficiencies(
      study_of_rows({row({1, 1, 1}, 5, 0.7, 1), failed, row({1, 1, 1}, 5, 0.9, 1), row({1, 1, 1}, 5, 0.8, 1), failed}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].runs, 3);
  EXPECT_DOUBLE_EQ(found[0].row.parallel, 0.8);
  const auto none = layout_efficiencies(study_of_rows({failed}));
  EXPECT_EQ(none[0].runs, 0);
  EXPECT_EQ(none[0].row.why_not, "killed");
}

TEST(EfficiencyRowsTest, ALayoutThatCannotBeIsRefused) {
  auto study = study_of_rows({row({1, 1, 1}, 5, 1, 1)});
  study.more_tables[0].columns[0].integers[0] = 0;
  const auto error = test::error_of([&] { efficiency_rows(study); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
}

}  // namespace
}  // namespace paceline
