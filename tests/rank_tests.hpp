// What the mains of tests in which ranks talk have in common: rank 0 speaks, but every rank's failures count and are
// printed.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>

#include <paceline/comm.hpp>

namespace paceline::test {

/// Prints failures of ranks other than 0, which has a printer of its own.
class FailurePrinter : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", Comm::world().rank(), result.file_name() ? result.file_name() : "?",
                 result.line_number(), result.message());
  }
};

/// The exit code: not 0 on all ranks if a test fails on any.
inline int run_rank_tests(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const auto world = Comm::world();
  if (world.rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter);
  }
  return world.reduce_all(RUN_ALL_TESTS(), MPI_MAX);
}

}  // namespace paceline::test
