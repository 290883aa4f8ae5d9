// The main of tests in which ranks talk: rank 0 speaks, but every rank's failures count and are told.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include <paceline/comm.hpp>

#include "host/mpi_environment.hpp"

#include "storage/result_file.hpp"

#ifndef PACELINE_TEST_THREADS
#define PACELINE_TEST_THREADS serialized
#endif

namespace {

using paceline::Comm;

/// Tells failures of ranks other than 0, which has a printer of its own.
class FailurePrinter : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", Comm::world().rank(), result.file_name() ? result.file_name() : "?",
                 result.line_number(), result.message());
  }
};

TEST(Canary, FailsOnTheLastRankWhenAsked) {
  const bool asked = std::getenv("PACELINE_CANARY") != nullptr;
  EXPECT_FALSE(asked && Comm::world().rank() == Comm::world().size() - 1);
}

}  // namespace

int main(int argc, char** argv) {
  paceline::start_hdf5();
  paceline::choose_mpi_components();
  const paceline::MpiGuard mpi(argc, argv, paceline::ThreadLevel::PACELINE_TEST_THREADS);
  testing::InitGoogleTest(&argc, argv);
  const auto world = Comm::world();
  if (world.rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter);
  }
  const int mine = RUN_ALL_TESTS();
  return world.reduce_all(mine, MPI_MAX);
}
