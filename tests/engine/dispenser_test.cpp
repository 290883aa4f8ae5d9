// Every chunk is handed out exactly once, and handing out ends, on one node and on several fake ones.
#include "engine/dispenser.hpp"

#include <thread>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

PlanRequest request_of(std::int64_t items, std::int64_t chunk, std::int64_t band_items, int threads) {
  PlanRequest request;
  request.items = items;
  request.bytes_per_item = 8;
  request.ranks = Comm::world().size();
  request.threads = threads;
  request.chunk = chunk;
  request.memory_limit = 4 * 8 * band_items;
  return request;
}

/// Ranks of one machine as nodes of `ranks_per_node`.
Comm fake_node(const Comm& world, int ranks_per_node) { return *world.split(world.rank() / ranks_per_node); }

/// What the threads of one rank were given.
struct Claimed {
  std::vector<std::vector<Chunk>> chunks;
  bool is_ordered = true;
};

/// Threads that claim like those that compute, while this one serves like the writing thread. `at_work`: called after
/// each claim with the number of the thread's claims.
Claimed claim_all(Dispenser& dispenser, const NodeState& node_state, int threads,
                  const std::function<void(std::size_t)>& at_work) {
  Claimed claimed;
  claimed.chunks.resize(static_cast<std::size_t>(threads));
  std::atomic<int> active = threads;
  std::vector<std::thread> team;
  for (int thread = 0; thread < threads; ++thread) {
    team.emplace_back([&, thread] {
      auto& mine = claimed.chunks[static_cast<std::size_t>(thread)];
      while (!node_state.stopping()) {
        const auto chunk = dispenser.claim(thread);
        if (!chunk) break;
        mine.push_back(*chunk);
        at_work(mine.size());
      }
      --active;
    });
  }
  for (Backoff backoff; active > 0 || !dispenser.served(); backoff.wait()) dispenser.serve();
  for (auto& thread : team) thread.join();
  for (const auto& mine : claimed.chunks) {
    for (std::size_t i = 1; i < mine.size(); ++i) claimed.is_ordered &= mine[i - 1].band <= mine[i].band;
  }
  return claimed;
}

/// How often each item was handed out, over all ranks.
std::vector<int> handed_out(const Comm& world, const Plan& plan, const Claimed& claimed) {
  std::vector<int> times(static_cast<std::size_t>(plan.request().items), 0);
  for (const auto& chunks : claimed.chunks) {
    for (const auto& chunk : chunks) {
      for (auto item = chunk.items.begin; item < chunk.items.end; ++item) ++times[static_cast<std::size_t>(item)];
    }
  }
  return world.reduce_all(times, MPI_SUM);
}

void expect_once(
    const PlanRequest& request, int ranks_per_node, int threads,
    const std::function<void(std::size_t)>& at_work = [](std::size_t) {}) {
  const auto world = Comm::world().duplicate();
  const auto node = fake_node(world, ranks_per_node);
  const NodeState node_state(node);
  const Plan plan(request);
  const auto dispenser = make_dispenser(plan, world, node_state);
  const auto claimed = claim_all(*dispenser, node_state, threads, at_work);
  EXPECT_TRUE(claimed.is_ordered);
  EXPECT_FALSE(dispenser->claim(0)) << "what is gone stays gone";
  EXPECT_EQ(handed_out(world, plan, claimed), std::vector<int>(static_cast<std::size_t>(request.items), 1));
}

TEST(OwnDispenser, HandsOutEachChunkOnce) {
  for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::weighted}) {
    for (const std::int64_t items : {1, 7, 5000}) {
      auto request = request_of(items, 1, 64, 3);
      request.schedule = schedule;
      request.costs.assign(sample_items(items, request.ranks).size(), 1.0);
      expect_once(request, request.ranks, 3);
    }
  }
}

class SharedDispenserOn : public testing::TestWithParam<int> {};  // ranks per node

TEST_P(SharedDispenserOn, HandsOutEachChunkOnce) {
  for (const std::int64_t items : {1, 2, 7, 1000}) {
    for (const int threads : {1, 2}) expect_once(request_of(items, 1, 10, threads), GetParam(), threads);
  }
  expect_once(request_of(50'000, 1, 5000, 3), GetParam(), 3);
  expect_once(request_of(50'000, 7, 50'000, 2), GetParam(), 2);
}

TEST_P(SharedDispenserOn, HandsOutEachChunkOnceAgainAndAgain) {
  // Tiny bands: hardly a claim without a refill.
  for (int round = 0; round < 30; ++round) {
    expect_once(request_of(200 + round, 1, 3 + round % 5, 2), GetParam(), 2);
    if (HasFailure()) return;
  }
}

TEST_P(SharedDispenserOn, ServesNodesWhoseNeighboursAreBusy) {
  // Threads of the last rank sleep between claims and never enter MPI; the others get on.
  const bool is_slow = Comm::world().rank() == Comm::world().size() - 1;
  expect_once(request_of(3000, 1, 500, 2), GetParam(), 2, [&](std::size_t /*claims*/) {
    if (is_slow) std::this_thread::sleep_for(std::chrono::microseconds(200));
  });
}

TEST_P(SharedDispenserOn, GivesARankNoMoreOfABandThanItMayHold) {
  for (const std::int64_t room : {1, 3, 10}) {
    for (const std::int64_t chunk : {1, 2}) {
      for (int slow = -1; slow < Comm::world().size(); ++slow) {
        const auto request = request_of(400, chunk, room, 2);
        const auto world = Comm::world().duplicate();
        const auto node = fake_node(world, GetParam());
        const NodeState node_state(node);
        const Plan plan(request);
        EXPECT_EQ(plan.limits_room(), world.size() >= 4);
        const auto dispenser = make_dispenser(plan, world, node_state);
        const auto claimed = claim_all(*dispenser, node_state, 2, [&](std::size_t claims) {
          if (world.rank() == slow && claims % 8 == 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        });
        std::vector<std::int64_t> held(static_cast<std::size_t>(plan.bands()), 0);
        for (const auto& chunks : claimed.chunks) {
          for (const auto& one : chunks) held[static_cast<std::size_t>(one.band)] += one.items.size();
        }
        EXPECT_LE(*std::max_element(held.begin(), held.end()), plan.room_items());
        EXPECT_EQ(handed_out(world, plan, claimed), std::vector<int>(400, 1));
        EXPECT_EQ(node_state.shared().waiting, 0);
      }
    }
  }
}

TEST_P(SharedDispenserOn, HandsOutTheCostliestFirstWhereSlabsAreUneven) {
  auto request = request_of(40, 0, 1000, 1);
  request.schedule = Schedule::weighted;
  for (const auto item : sample_items(40, request.ranks))
    request.costs.push_back(item % 5 == 0 ? 30.0 : 1.0 + static_cast<double>(item));
  // Halves of these are even enough.
  EXPECT_EQ(Plan(request).hands_out_chunks(), request.ranks > 2);
  expect_once(request, GetParam(), 1);
}

/// Each rank in `stoppers` stops its node after some claims.
void stop_amid(int ranks_per_node, const std::function<bool(int)>& stoppers, std::size_t after) {
  const auto world = Comm::world().duplicate();
  const auto node = fake_node(world, ranks_per_node);
  const NodeState node_state(node);
  const Plan plan(request_of(20'000, 1, 700, 2));
  SharedDispenser dispenser(plan, world, node_state);
  const auto claimed = claim_all(dispenser, node_state, 2, [&](std::size_t claims) {
    if (claims >= after && stoppers(world.rank())) node_state.stop();
  });
  const auto times = handed_out(world, plan, claimed);
  EXPECT_LE(*std::max_element(times.begin(), times.end()), 1);
  EXPECT_TRUE(dispenser.served());
}

TEST_P(SharedDispenserOn, EndsWhenStoppedAnywhere) {
  const int last = Comm::world().size() - 1;
  for (const std::size_t after : {1U, 2U, 50U, 400U}) {
    for (int round = 0; round < 3; ++round) {
      stop_amid(
          GetParam(), [&](int rank) { return rank == last; }, after);
      stop_amid(
          GetParam(), [](int rank) { return rank == 0; }, after);
      stop_amid(
          GetParam(), [](int) { return true; }, after);
    }
  }
}

TEST_P(SharedDispenserOn, EndsWhenStoppedBeforeItBegan) {
  const auto world = Comm::world().duplicate();
  const auto node = fake_node(world, GetParam());
  const NodeState node_state(node);
  node_state.stop();
  const Plan plan(request_of(1000, 1, 100, 2));
  SharedDispenser dispenser(plan, world, node_state);
  const auto claimed = claim_all(dispenser, node_state, 2, [](std::size_t) {});
  for (const auto& chunks : claimed.chunks) {
    EXPECT_TRUE(chunks.empty());
  }
}

TEST_P(SharedDispenserOn, BringsNothingToNodesWithoutWorkers) {
  const auto world = Comm::world().duplicate();
  // One rank alone has workers: the first, and the last.
  for (const int worker : {0, world.size() - 1}) {
    const auto node = fake_node(world, GetParam());
    const NodeState node_state(node);
    auto request = request_of(500, 1, 50, 2);
    request.takers = 1;
    const Plan plan(request);
    const bool works = world.rank() == worker;
    const auto dispenser = make_dispenser(plan, world, node_state, works ? Workers::some : Workers::none);
    const auto claimed = claim_all(*dispenser, node_state, works ? 2 : 0, [](std::size_t) {});
    EXPECT_EQ(handed_out(world, plan, claimed), std::vector<int>(500, 1));
  }
}

INSTANTIATE_TEST_SUITE_P(RanksPerNode, SharedDispenserOn, testing::Values(1, 2, 4));

/// Feeds the spare place by hand, a chunk at a time and as fast as threads take them, to meet the narrow windows of
/// the refill; the words are those of SharedDispenser.
TEST(SharedDispenser, LosesAndDoublesNothingWhenEveryClaimRefills) {
  constexpr std::int64_t chunks = 5000;
  auto request = request_of(chunks, 1, chunks, 4);
  request.ranks = 1;
  const auto self = *Comm::world().split(Comm::world().rank());
  const Plan plan(request);
  for (int round = 0; round < 3 && !HasFailure(); ++round) {
    const NodeState node_state(self);
    SharedDispenser dispenser(plan, self, node_state);
    auto& [current, spare, waiting, items_done, stop, has_warned] = node_state.shared();
    current = 0;
    spare = 0;
    std::vector<std::atomic<int>> times(chunks);
    std::vector<std::thread> team;
    for (int t = 0; t < 4; ++t) {
      team.emplace_back([&] {
        while (const auto chunk = dispenser.claim(0)) ++times[static_cast<std::size_t>(chunk->items.begin)];
      });
    }
    for (std::uint64_t i = 0; i < chunks; ++i) {
      while (spare.load() != 0) std::this_thread::yield();
      spare = i << 32 | (i + 1);
    }
    while (spare.load() != 0) std::this_thread::yield();
    spare = ~std::uint64_t{0} - 1;
    for (auto& thread : team) thread.join();
    for (std::int64_t i = 0; i < chunks; ++i) ASSERT_EQ(times[static_cast<std::size_t>(i)], 1) << "chunk " << i;
  }
}

TEST(SharedDispenser, NeedsNoMpiOfTheOthersOnANode) {
  const auto world = Comm::world().duplicate();
  const auto node = world.split_node();
  const NodeState node_state(node);
  const Plan plan(request_of(1000, 1, 100, 1));
  SharedDispenser dispenser(plan, world, node_state);
  auto& done = node_state.shared().items_done;
  if (world.rank() == 0 && world.size() > 1) {
    // Computes one very long item: neither claims nor serves nor calls MPI until the others have taken all.
    while (done.load() < plan.request().items) std::this_thread::yield();
    EXPECT_FALSE(dispenser.claim(0));
  } else {
    while (const auto chunk = dispenser.claim(0)) done += chunk->items.size();
    while (done.load() < plan.request().items) std::this_thread::yield();
  }
  EXPECT_TRUE(dispenser.served());
  world.barrier();
}

TEST(OwnDispenser, GivesAThreadItsOwnPartFirst) {
  auto request = request_of(600, 5, 100, 2);
  request.schedule = Schedule::block;
  const Plan plan(request);
  const int rank = Comm::world().rank();
  OwnDispenser dispenser(plan, rank);
  for (const int thread : {0, 1}) {
    for (std::int64_t items = 0; items < plan.thread_part(0, rank, thread).size();) {
      const auto chunk = dispenser.claim(thread);
      ASSERT_TRUE(chunk);
      EXPECT_EQ(intersect(chunk->items, plan.thread_part(0, rank, thread)), chunk->items);
      items += chunk->items.size();
    }
  }
  // Nobody comes for the rest of thread 1's parts: the other takes it, band by band.
  std::int64_t left = plan.own_slab(rank).size() - plan.window(0, rank).size();
  std::int64_t band = 0;
  while (const auto chunk = dispenser.claim(0)) {
    EXPECT_GE(chunk->band, band);
    band = chunk->band;
    left -= chunk->items.size();
  }
  EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace paceline
