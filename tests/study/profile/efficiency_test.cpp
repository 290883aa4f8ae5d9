#include "study/profile/efficiency.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

ProcessRecord rank_of(int rank, double elapsed_s, double useful_s, double mpi_s) {
  ProcessRecord record;
  record.rank = rank;
  record.uses_mpi = true;
  record.elapsed_s = elapsed_s;
  record.useful_s = useful_s;
  record.mpi_s = mpi_s;
  record.mpi_serial_s = mpi_s;
  return record;
}

TEST(EfficiencyTest, PureMpi) {
  // 10 s; ranks compute 8 and 4 s.
  const ProcessRecord ranks[] = {rank_of(0, 10, 4, 6), rank_of(1, 10, 8, 2)};
  const auto found = efficiencies(ranks);
  EXPECT_DOUBLE_EQ(found.parallel, 0.6);
  ASSERT_TRUE(found.mpi);
  EXPECT_FALSE(found.openmp);
  EXPECT_DOUBLE_EQ(found.mpi->efficiency, 0.6);
  EXPECT_DOUBLE_EQ(found.mpi->communication, 0.8);
  EXPECT_DOUBLE_EQ(found.mpi->load_balance, 0.75);
  EXPECT_EQ(found.slowest_rank, 1);
}

TEST(EfficiencyTest, RankThatEndsEarlyWaits) {
  const ProcessRecord ranks[] = {rank_of(0, 5, 5, 0), rank_of(1, 10, 10, 0)};
  const auto found = efficiencies(ranks);
  EXPECT_DOUBLE_EQ(found.parallel, 0.75);
  EXPECT_DOUBLE_EQ(found.mpi->load_balance, 0.75);
  EXPECT_DOUBLE_EQ(found.mpi->communication, 1);
}

TEST(EfficiencyTest, PureOpenMp) {
  // 4 threads, 10 s: 2 s serial, then a region of 8 s: busy 7, 7, 7 and 5 s.
  ProcessRecord record;
  record.uses_openmp = true;
  record.threads = 4;
  record.elapsed_s = 10;
  record.useful_s = 2 + 26;
  record.imbalance_s = 2;
  record.scheduling_s = 4;
  const auto found = efficiencies({&record, 1});
  EXPECT_FALSE(found.mpi);
  ASSERT_TRUE(found.openmp);
  EXPECT_DOUBLE_EQ(found.parallel, 0.7);
  EXPECT_DOUBLE_EQ(found.openmp->efficiency, 0.7);
  EXPECT_DOUBLE_EQ(found.openmp->serial, 34.0 / 40);
  EXPECT_DOUBLE_EQ(found.openmp->load_balance, 32.0 / 34);
  EXPECT_DOUBLE_EQ(found.openmp->scheduling, 28.0 / 32);
  EXPECT_DOUBLE_EQ(record.serial_idle_s(), 6);
}

TEST(EfficiencyTest, ProductsHold) {
  // 2 ranks of 2 threads. MPI outside of regions idles a second thread, inside it does not.
  auto a = rank_of(0, 10, 9, 2), b = rank_of(1, 9, 11, 1);
  for (auto* record : {&a, &b}) {
    record->uses_openmp = true;
    record->threads = 2;
    record->mpi_serial_s = 1;
    record->imbalance_s = 1;
    record->scheduling_s = 0.5;
  }
  const ProcessRecord ranks[] = {a, b};
  const auto found = efficiencies(ranks);
  ASSERT_TRUE(found.mpi && found.openmp);
  EXPECT_DOUBLE_EQ(found.parallel, 20.0 / 40);
  EXPECT_DOUBLE_EQ(found.mpi->efficiency, (20 - 3 + 18 - 2) / 40.0);
  EXPECT_DOUBLE_EQ(found.mpi->communication, 17.0 / 20);
  EXPECT_DOUBLE_EQ(found.mpi->efficiency, found.mpi->load_balance * found.mpi->communication);
  EXPECT_DOUBLE_EQ(found.openmp->efficiency,
                   found.openmp->serial * found.openmp->load_balance * found.openmp->scheduling);
  EXPECT_DOUBLE_EQ(found.parallel, found.mpi->efficiency * found.openmp->efficiency);
}

TEST(EfficiencyTest, TimesThatCannotBeAreRefused) {
  const ProcessRecord ranks[] = {rank_of(0, 10, 10.2, 0)};
  const auto error = test::error_of([&] { efficiencies(ranks); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "do not add up")) << error->what();
  // Clocks that differ by millionths are no mistake.
  const ProcessRecord close[] = {rank_of(0, 10, 10.00001, 0)};
  EXPECT_EQ(efficiencies(close).parallel, 1);
}

}  // namespace
}  // namespace paceline
