// The main of the pool's tests under ThreadSanitizer, on one rank: it sees the queue, the team, futures, streams and
// the watch over tasks. It can't see what ranks do to each other: messages come by Open MPI, which is not built with it
// and is left out. Messages are read and written by one thread per rank.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include <paceline/comm.hpp>

namespace {

TEST(Canary, RacesWhenAsked) {
  if (std::getenv("PACELINE_CANARY") == nullptr) return;
  int value = 0;
  std::thread other([&] { ++value; });
  ++value;
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
