// The main of tests of the program in which ranks talk.
#include <gtest/gtest.h>

#include <cstdlib>

#include <paceline/comm.hpp>

#include "host/mpi_environment.hpp"
#include "rank_tests.hpp"
#include "storage/result_file.hpp"

namespace {

TEST(Canary, FailsOnTheLastRankWhenAsked) {
  const bool asked = std::getenv("PACELINE_CANARY") != nullptr;
  const auto world = paceline::Comm::world();
  EXPECT_FALSE(asked && world.rank() == world.size() - 1);
}

}  // namespace

int main(int argc, char** argv) {
  paceline::start_hdf5();
  paceline::choose_mpi_components();
  const paceline::MpiGuard mpi(argc, argv, paceline::ThreadLevel::serialized);
  return paceline::test::run_rank_tests(argc, argv);
}
