#include "engine/watchdog.hpp"

#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline::watchdog_test {
namespace {

using namespace std::chrono_literals;

constexpr double limit_s = 0.02;

class WatchdogTest : public testing::Test {
 protected:
  /// Looks for much longer than the limit. What is not asserted: that the job is still there afterwards.
  void look_on(
      Watchdog& watchdog, const std::function<void()>& meanwhile = [] {}) {
    for (const Stopwatch watch; watch.seconds() < 4 * limit_s; std::this_thread::sleep_for(1ms)) {
      meanwhile();
      watchdog.look();
    }
    EXPECT_EQ(node_state.shared().has_warned, 0U);
    world.barrier();
  }

  Comm world = Comm::world().duplicate();
  NodeState node_state{world.split_node()};
};

TEST_F(WatchdogTest, LeavesRanksAloneThatAreNotAtWork) {
  Watchdog watchdog(world, node_state, limit_s);
  look_on(watchdog);
}

TEST_F(WatchdogTest, LeavesRanksAloneThatMove) {
  Watchdog watchdog(world, node_state, 10 * limit_s);
  node_state.my_pulse().at_work = 1;
  world.barrier();
  look_on(watchdog, [&] { ++node_state.my_pulse().beats; });
  node_state.my_pulse().at_work = 0;
}

TEST_F(WatchdogTest, IsOffWithoutALimit) {
  Watchdog watchdog(world, node_state, 0);
  node_state.my_pulse().at_work = 1;
  look_on(watchdog);
}

TEST_F(WatchdogTest, SpeaksOnce) {
  Watchdog watchdog(world, node_state, limit_s);
  node_state.my_pulse().at_work = 1;
  node_state.shared().has_warned = 1;
  world.barrier();
  for (const Stopwatch watch; watch.seconds() < 4 * limit_s; std::this_thread::sleep_for(1ms)) watchdog.look();
  world.barrier();
}

TEST_F(WatchdogTest, LeavesRanksAloneThatComputeForLong) {
  Watchdog watchdog(world, node_state, 2);
  const Watchdog::Thread watching(watchdog);
  // One piece of work on rank 0 that takes longer than the limit; the others sleep, so that it gets a core.
  if (world.rank() == 0) {
    node_state.my_pulse().at_work = 1;
    for (const Stopwatch watch; watch.seconds() < 3.5;) {
    }
    node_state.my_pulse().at_work = 0;
  }
  MPI_Request all = MPI_REQUEST_NULL;
  MPI_Ibarrier(world.handle(), &all);
  wait_quietly(all);
  EXPECT_EQ(node_state.shared().has_warned, 0U);
}

// Ends the job; CTest runs it by itself and reads what it says.
TEST_F(WatchdogTest, NamesTheSilentRankWhenAsked) {
  if (std::getenv("PACELINE_SILENT_RANK") == nullptr) return;
  const int silent = std::atoi(std::getenv("PACELINE_SILENT_RANK"));
  Watchdog watchdog(world, node_state, 0.2);
  node_state.my_pulse().at_work = 1;
  world.barrier();
  for (const Stopwatch watch; watch.seconds() < 20; std::this_thread::sleep_for(1ms)) {
    if (world.rank() != silent) ++node_state.my_pulse().beats;
    watchdog.look();
  }
  ADD_FAILURE() << "nobody spoke";
}

}  // namespace
}  // namespace paceline::watchdog_test
