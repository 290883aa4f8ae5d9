// Signs of life between nodes, each rank playing a node of its own.
#include "engine/heartbeat.hpp"

#include <chrono>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

namespace paceline {
namespace {

using namespace std::chrono_literals;

constexpr double limit_s = 0.02;
constexpr double longest_s = 30;  ///< a machine that needs more is no test of ours

class HeartbeatTest : public testing::Test {
 protected:
  /// Beats until it is true, or for as long as it may take; returns whether it became true.
  static bool beat_until(Heartbeat& heartbeat, const std::function<bool()>& is_true) {
    for (const Stopwatch watch; watch.seconds() < longest_s; std::this_thread::sleep_for(1ms)) {
      heartbeat.beat();
      if (is_true()) return true;
    }
    return false;
  }

  /// Beats until each node has heard the one before it: others may still wait to hear this one.
  void hear_all(Heartbeat& heartbeat) const {
    EXPECT_TRUE(beat_until(heartbeat, [&] { return heartbeat.was_heard(); }));
    MPI_Request all = MPI_REQUEST_NULL;
    MPI_Ibarrier(world.handle(), &all);
    wait_quietly(all, [&] {
      heartbeat.beat();
      return CoreUse::own;
    });
  }

  Comm world = Comm::world().duplicate();
  Comm alone = *world.split(world.rank());
};

TEST_F(HeartbeatTest, HearsTheNodeBefore) {
  Heartbeat heartbeat(world, alone, limit_s);
  hear_all(heartbeat);
  if (world.size() > 1) {
    EXPECT_EQ(heartbeat.watched_rank(), (world.rank() + world.size() - 1) % world.size());
    EXPECT_FALSE(heartbeat.watched_host().empty());
  }
}

TEST_F(HeartbeatTest, NoticesASilentNodeAlone) {
  if (world.size() == 1) return;
  Heartbeat heartbeat(world, alone, limit_s);
  hear_all(heartbeat);
  // Rank 0 falls silent; the others go on until rank 1 has noticed, and none of them takes another for silent.
  int noticed = 0;
  MPI_Request news = MPI_REQUEST_NULL;
  if (world.rank() == 0) {
    EXPECT_EQ(MPI_Recv(&noticed, 1, MPI_INT, 1, 0, world.handle(), MPI_STATUS_IGNORE), MPI_SUCCESS);
    EXPECT_EQ(noticed, 1);
  } else if (world.rank() == 1) {
    noticed = beat_until(heartbeat, [&] { return heartbeat.silence_s() > 10 * limit_s; }) ? 1 : 0;
    MPI_Send(&noticed, 1, MPI_INT, 0, 0, world.handle());
    // A time in which this process did not listen, as when it was suspended, is no silence.
    const auto before_s = heartbeat.silence_s();
    std::this_thread::sleep_for(100ms);
    heartbeat.beat();
    EXPECT_LT(heartbeat.silence_s(), before_s + limit_s);
  }
  MPI_Ibarrier(world.handle(), &news);
  wait_quietly(news, [&] {
    if (world.rank() != 0) heartbeat.beat();
    return CoreUse::own;
  });
}

TEST_F(HeartbeatTest, WhoLeavesIsNotSilent) {
  if (world.size() == 1) return;
  Heartbeat heartbeat(world, alone, limit_s);
  hear_all(heartbeat);
  heartbeat.leave();
  // Of what was sent before, some may still come: it must not make the node one that is listened for again.
  EXPECT_TRUE(beat_until(heartbeat, [&] { return heartbeat.silence_s() == 0; }));
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(1ms);
    heartbeat.beat();
    EXPECT_EQ(heartbeat.silence_s(), 0);
  }
  world.barrier();
}

TEST_F(HeartbeatTest, IsQuietOnOneNode) {
  Heartbeat heartbeat(world, world, limit_s);
  heartbeat.beat();
  EXPECT_TRUE(heartbeat.was_heard());
  EXPECT_EQ(heartbeat.silence_s(), 0);
  heartbeat.leave();
}

}  // namespace
}  // namespace paceline
