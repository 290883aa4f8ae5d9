// Who gets which chunks: each once, no more than there is room for, ahead of need only where that costs nothing.
#include "engine/supply.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace paceline {
namespace {

/// On nodes of 4 ranks that may hold `room` items of a band.
PlanRequest request_of(std::int64_t items, int nodes, std::int64_t room) {
  PlanRequest request;
  request.items = items;
  request.bytes_per_item = 8;
  request.ranks = 4 * nodes;
  request.chunk = 1;
  request.memory_limit = 4 * 8 * room;
  return request;
}

std::vector<int> takers_of(int nodes) { return std::vector<int>(static_cast<std::size_t>(nodes), 4); }

TEST(Supply, GivesEachChunkOnceAndEnds) {
  const Plan plan(request_of(1000, 3, 1000));
  Supply supply(plan, takers_of(3));
  std::int64_t next = 0;
  for (int node = 0; next < plan.all_chunks(); node = (node + 1) % 3) {
    const auto piece = supply.next(node, {2, 1});
    ASSERT_TRUE(piece);
    ASSERT_FALSE(piece->empty());
    ASSERT_EQ(piece->begin, next);
    ASSERT_EQ(plan.band_of_chunk(piece->begin), plan.band_of_chunk(piece->end - 1)) << "pieces lie in one band";
    next = piece->end;
  }
  for (int node = 0; node < 3; ++node) EXPECT_TRUE(supply.next(node, {1, 1})->empty());
}

TEST(Supply, GivesLessAheadTheLessIsLeft) {
  const Plan plan(request_of(6400, 4, 10'000));
  ASSERT_EQ(plan.bands(), 1);
  Supply supply(plan, takers_of(4));
  std::int64_t last = 6400;
  for (int k = 0; k < 200; ++k) {
    const auto size = supply.next(k % 4, {0, 1})->size();
    ASSERT_LE(size, last);
    last = size;
  }
  EXPECT_EQ(last, 4) << "a sixteenth of an even share of what is left";
  EXPECT_EQ(supply.next(0, {50, 0})->size(), 50) << "who waits gets all";
}

TEST(Supply, GivesANodeNoMoreOfABandThanItsRanksMayHold) {
  constexpr int nodes = 5;
  const Plan plan(request_of(1000, nodes, 3));
  ASSERT_TRUE(plan.limits_room());
  ASSERT_EQ(plan.room_chunks(), 3);
  ASSERT_EQ(plan.band_items(), 30) << "half of what all ranks may hold";
  Supply supply(plan, takers_of(nodes));
  std::int64_t next = 0;
  for (std::int64_t band = 0; band < 3; ++band) {
    // One node alone is quick.
    for (std::int64_t held = 0; held < 12;) {
      const auto piece = supply.next(1, {5, 0});
      ASSERT_TRUE(piece);
      ASSERT_EQ(plan.band_of_chunk(piece->begin), band);
      ASSERT_EQ(piece->begin, next);
      next = piece->end;
      held += piece->size();
      ASSERT_LE(held, 12);
    }
    EXPECT_FALSE(supply.next(1, {5, 1})) << "it is full";
    // Others take the rest of the band, and then it may go on.
    for (int node = 2; next < 30 * (band + 1); node = node % 4 + 1) {
      const auto piece = supply.next(node, {4, 1});
      if (node == 1) {
        ASSERT_FALSE(piece);
      } else if (piece) {
        next = piece->end;
      }
    }
  }
}

TEST(Supply, FindsRoomForAllWhoeverAsks) {
  // Nodes ask in any order, some seldom: nobody is refused for ever.
  for (const int nodes : {1, 2, 3, 7}) {
    auto request = request_of(2000, nodes, 2);
    const Plan plan(request);
    Supply supply(plan, takers_of(nodes));
    std::int64_t next = 0;
    std::uint64_t random = 1;
    for (int refused = 0; next < 2000;) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      const auto node = static_cast<int>((random >> 40) % (nodes + 3U)) % nodes;
      const auto piece = supply.next(node, {1 + static_cast<std::int64_t>(random >> 60), 1});
      refused = piece ? 0 : refused + 1;
      ASSERT_LT(refused, 1000);
      if (piece) next = piece->end;
    }
  }
}

class DemandTest : public testing::Test {
 protected:
  static constexpr std::int64_t workers = 64;
  Plan plan{request_of(64'000, 4, 1 << 20)};
  Demand demand{plan, 4, workers};
};

TEST_F(DemandTest, BeginsWithAChunkForEach) {
  const auto first = demand.at(0, 0, 0, 3, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->now, workers);
  EXPECT_EQ(first->ahead, 1) << "there are many";
  Demand few(Plan(request_of(4096, 4, 1 << 20)), 4, workers);
  EXPECT_EQ(few.at(0, 0, 0, 3, 0)->ahead, 0);
}

TEST_F(DemandTest, AsksAheadOnlyForShortChunks) {
  // 0.1 ms each: 640 chunks in a millisecond, and 250 left for each worker.
  demand.at(0, 0, 0, workers, 0);
  const auto wanted = demand.at(0.010, 6400, 100, 0, 6500);
  ASSERT_TRUE(wanted) << "what is left lasts for a fraction of a millisecond";
  EXPECT_EQ(wanted->now, 0);
  EXPECT_EQ(wanted->ahead, 1);
  EXPECT_FALSE(demand.at(0.0101, 6400, 3000, 0, 9500)) << "that lasts";
  // 100 ms each, and few.
  Demand slow(Plan(request_of(4096, 4, 1 << 20)), 4, workers);
  slow.at(0, 0, 0, workers, 0);
  EXPECT_FALSE(slow.at(0.150, 128, 0, 0, 128)) << "all are busy, and nobody waits";
  const auto some = slow.at(0.200, 128, 0, 5, 128);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->now, 5);
  EXPECT_EQ(some->ahead, 0);
}

TEST_F(DemandTest, AsksNothingAheadWhereFewChunksAreLeft) {
  demand.at(0, 0, 0, workers, 0);
  // A millisecond each: with 250 left for each worker an answer's time is more than what a late chunk costs.
  ASSERT_TRUE(demand.at(0.010, 640, 20, 0, 640));
  EXPECT_FALSE(demand.at(0.0101, 640, 20, 0, 64'000 - 256)) << "and with one it is not";
}

TEST_F(DemandTest, AsksTheEarlierTheLongerAnswersTake) {
  demand.at(0, 0, 0, workers, 0);
  demand.answered(0.0005);
  EXPECT_FALSE(demand.at(0.010, 6400, 2000, 0, 8400)) << "three milliseconds, of which an answer takes half of one";
  ASSERT_TRUE(demand.at(0.010, 6400, 100, 0, 8400));
  demand.answered(0.020);
  EXPECT_TRUE(demand.at(0.020, 12'800, 2000, 0, 14'800)) << "an answer takes ten";
}

TEST_F(DemandTest, TakesNoBurstForARate) {
  demand.at(0, 0, 0, workers, 0);
  EXPECT_FALSE(demand.at(0.0004, workers, 0, 0, workers)) << "all have begun";
  // After 50 ms all are done at once.
  const auto wanted = demand.at(0.0502, workers, 0, workers, workers);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->now, workers);
  const auto more = demand.at(0.0504, 2 * workers, 0, 1, 2 * workers);
  ASSERT_TRUE(more);
  EXPECT_EQ(more->ahead, 1) << "many are left for each";
  Demand few(Plan(request_of(64'000, 4, 1 << 20)), 4, workers);
  few.at(0, 0, 0, workers, 0);
  few.at(0.0502, workers, 0, workers, workers);
  const auto last = few.at(0.0504, 2 * workers, 0, 1, 64'000 - 10 * 256);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->ahead, 0) << "64 in 50 ms, not in a fraction of one";
}

}  // namespace
}  // namespace paceline
