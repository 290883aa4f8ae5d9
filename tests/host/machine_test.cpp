#include "host/machine.hpp"

#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

TEST(Machine, IsReadAndConsistent) {
  const auto machine = read_machine();
  EXPECT_FALSE(machine.host.empty());
  EXPECT_GE(machine.cores, 1);
  EXPECT_GE(machine.hardware_threads, machine.cores);
  EXPECT_GE(machine.numa_nodes, 1);
  const auto& bound = machine.bound_cores;
  ASSERT_FALSE(bound.empty());
  EXPECT_TRUE(std::is_sorted(bound.begin(), bound.end()));
  EXPECT_EQ(std::adjacent_find(bound.begin(), bound.end()), bound.end());
  EXPECT_GE(bound.front(), 0);
  EXPECT_LT(bound.back(), machine.cores);
}

TEST(ThreadsOfRank, AreWhatWasAskedElseTheEnvironmentsElseTheBoundCores) {
  Machine machine;
  machine.bound_cores = {4, 5, 7};
  unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(threads_of_rank(0, machine), 3);
  EXPECT_EQ(threads_of_rank(2, machine), 2);
  setenv("OMP_NUM_THREADS", "5", 1);
  EXPECT_EQ(threads_of_rank(0, machine), 5);
  EXPECT_EQ(threads_of_rank(2, machine), 2);
  setenv("OMP_NUM_THREADS", "4097", 1);
  const auto error = test::error_of([&] { threads_of_rank(0, machine); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_EQ(threads_of_rank(2, machine), 2);
  setenv("OMP_NUM_THREADS", "", 1);
  EXPECT_EQ(threads_of_rank(0, machine), 3);
  unsetenv("OMP_NUM_THREADS");
}

}  // namespace
}  // namespace paceline
