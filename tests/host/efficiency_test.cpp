#include "host/efficiency.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(EfficiencyTreeTest, FactorsMultiply) {
  const auto tree = efficiency_tree({40, 30, 6, 4, 15}, 0.9);
  EXPECT_DOUBLE_EQ(tree.parallel, 15.0 / 40);
  EXPECT_DOUBLE_EQ(tree.mpi.efficiency, 30.0 / 40);
  EXPECT_DOUBLE_EQ(tree.openmp.serial, 24.0 / 30);
  EXPECT_DOUBLE_EQ(tree.openmp.load_balance, 20.0 / 24);
  EXPECT_DOUBLE_EQ(tree.openmp.scheduling, 15.0 / 20);
  EXPECT_DOUBLE_EQ(tree.mpi.load_balance * tree.mpi.communication, tree.mpi.efficiency);
  EXPECT_DOUBLE_EQ(tree.openmp.serial * tree.openmp.load_balance * tree.openmp.scheduling, tree.openmp.efficiency);
  EXPECT_DOUBLE_EQ(tree.mpi.efficiency * tree.openmp.efficiency, tree.parallel);
}

TEST(EfficiencyTreeTest, NothingIsLostOfNoTime) {
  EXPECT_EQ(efficiency_tree({}, 1).parallel, 1);
  EXPECT_EQ(efficiency_tree({}, 0).mpi.load_balance, 1);
  EXPECT_EQ(share_of_time(1.001, 1), 1);
  EXPECT_EQ(share_of_time(-0.001, 1), 0);
}

}  // namespace
}  // namespace paceline
