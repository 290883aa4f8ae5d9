#include "report/efficiency.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace paceline {
namespace {

TEST(EfficiencyOfRunTest, IsAProductOfWhatRanksAndThreadsLose) {
  // Two ranks of two threads in a phase of 10 s. The first computes for 8 s, one of its threads half as long as the
  // other; the second for 4 s.
  const std::vector<RankEffort> efforts = {{2, 8, 4 + 7.5, 7.5}, {2, 4, 4 + 4, 4}};
  const auto found = efficiency_of(efforts, 10);
  EXPECT_DOUBLE_EQ(found.parallel, 19.5 / 40);
  EXPECT_DOUBLE_EQ(found.mpi.efficiency, 24.0 / 40);
  EXPECT_DOUBLE_EQ(found.mpi.communication, 0.8);
  EXPECT_DOUBLE_EQ(found.mpi.load_balance, 0.75);
  EXPECT_DOUBLE_EQ(found.openmp.efficiency, 19.5 / 24);
  EXPECT_DOUBLE_EQ(found.openmp.load_balance, 20.5 / 24);
  EXPECT_DOUBLE_EQ(found.openmp.scheduling, 19.5 / 20.5);
  EXPECT_DOUBLE_EQ(found.mpi.efficiency * found.openmp.efficiency, found.parallel);
  EXPECT_DOUBLE_EQ(found.openmp.load_balance * found.openmp.scheduling, found.openmp.efficiency);
}

TEST(EfficiencyOfRunTest, IsWholeWhereNothingWasDone) {
  EXPECT_EQ(efficiency_of({}, 1).parallel, 1);
  EXPECT_EQ(efficiency_of(std::vector<RankEffort>{{2, 0, 0, 0}}, 0).parallel, 1);
}

}  // namespace
}  // namespace paceline
