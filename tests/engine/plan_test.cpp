// What must hold of every plan, whatever was asked.
#include "engine/plan.hpp"

#include <functional>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

constexpr std::int64_t bytes_per_item = 24;

std::string describe(const PlanRequest& r) {
  return fmt::format("{} items, {} ranks x {} threads, {}, gather {}, chunk {}, limit {}", r.items, r.ranks, r.threads,
                     to_string(r.schedule), to_string(r.gather), r.chunk, r.memory_limit);
}

/// The chunks of one claimer in order: where they are handed out of everyone together.
struct Claims {
  std::int64_t count;
  std::function<Chunk(std::int64_t)> chunk;
};
Claims claims_of(const Plan& plan, int rank) {
  if (!plan.hands_out_chunks()) {
    return {plan.own_chunks(rank), [&plan, rank](std::int64_t i) { return plan.own_chunk(rank, i); }};
  }
  return {rank == 0 ? plan.all_chunks() : 0, [&plan](std::int64_t i) { return plan.any_chunk(i); }};
}

void expect_fits(const Plan& plan, const Chunk& chunk, int rank) {
  ASSERT_FALSE(chunk.items.empty());
  ASSERT_LE(chunk.items.size(), plan.chunk_items());
  ASSERT_GE(chunk.band, 0);
  ASSERT_LT(chunk.band, plan.bands());
  const auto window = plan.window(chunk.band, rank);
  ASSERT_EQ(intersect(window, chunk.items), chunk.items) << "a chunk lies in one band's window";
  ASSERT_LE(window.size(), plan.band_items());
}

/// The slab's shares cover it once, in order, and go to ranks that may write.
void expect_shared(const Plan& plan, std::int64_t band, Slab slab, int rank) {
  const auto& request = plan.request();
  auto next = slab.begin;
  std::set<int> writers;
  for (const auto& share : plan.shares(band, slab, rank)) {
    ASSERT_EQ(share.items.begin, next);
    next = share.items.end;
    ASSERT_GE(share.writer, 0);
    ASSERT_LT(share.writer, request.ranks);
    ASSERT_TRUE(writers.insert(share.writer).second) << "a writer has one contiguous piece";
    if (plan.owners_write()) {
      ASSERT_EQ(share.writer, rank);
    } else if (request.gather == Gather::root) {
      ASSERT_EQ(share.writer, 0);
    } else {
      ASSERT_LE(share.items.size(), plan.room_items()) << "what is gathered is held, too";
    }
  }
  if (!slab.empty()) {
    ASSERT_EQ(next, slab.end);
  }
}

/// Every item in exactly one chunk, and in exactly one window of its owner.
void expect_covers(const Plan& plan) {
  const auto& request = plan.request();
  const auto items = static_cast<std::size_t>(request.items);
  std::vector<int> in_chunks(items, 0), in_windows(items, 0);
  for (int rank = 0; rank < request.ranks; ++rank) {
    const auto claims = claims_of(plan, rank);
    std::int64_t last_band = 0, of_band = 0;
    for (std::int64_t i = 0; i < claims.count; ++i) {
      const auto chunk = claims.chunk(i);
      ASSERT_NO_FATAL_FAILURE(expect_fits(plan, chunk, rank));
      ASSERT_GE(chunk.band, last_band);
      of_band = chunk.band == last_band ? of_band + 1 : 1;
      last_band = chunk.band;
      if (plan.hands_out_chunks()) {
        ASSERT_EQ(plan.band_of_chunk(i), chunk.band);
      } else if (!plan.owns_slabs()) {
        ASSERT_LE(of_band, plan.room_chunks()) << "nobody can take what is too much";
      }
      for (auto item = chunk.items.begin; item < chunk.items.end; ++item) ++in_chunks[static_cast<std::size_t>(item)];
    }
    for (std::int64_t band = 0; band < plan.bands(); ++band) {
      const auto window = plan.window(band, rank);
      ASSERT_NO_FATAL_FAILURE(expect_shared(plan, band, window, rank));
      const Slab some{window.begin + window.size() / 3, window.end - window.size() / 4};
      ASSERT_NO_FATAL_FAILURE(expect_shared(plan, band, some, rank));
      if (!plan.owns_slabs() && rank > 0) continue;  // all ranks have the same window
      for (auto item = window.begin; item < window.end; ++item) ++in_windows[static_cast<std::size_t>(item)];
    }
  }
  ASSERT_EQ(in_chunks, std::vector<int>(items, 1));
  ASSERT_EQ(in_windows, std::vector<int>(items, 1));
}

/// The same where items are too many to be listed: neighbouring chunks around chosen places.
void expect_continues(const Plan& plan) {
  const auto& request = plan.request();
  std::int64_t chunks = 0;
  for (const int rank : {0, request.ranks / 2, request.ranks - 1}) {
    const auto claims = claims_of(plan, rank);
    if (claims.count == 0) continue;
    chunks += claims.count;
    const auto step = request.schedule == Schedule::cyclic ? plan.chunk_items() * (request.ranks - 1) : 0;
    for (const auto at : {std::int64_t{0}, claims.count / 3, claims.count / 2, claims.count - 2}) {
      for (auto i = std::max(std::int64_t{0}, at - 70); i < std::min(at + 70, claims.count - 1); ++i) {
        const auto [here, after] = std::pair(claims.chunk(i), claims.chunk(i + 1));
        ASSERT_NO_FATAL_FAILURE(expect_fits(plan, here, rank));
        ASSERT_EQ(after.items.begin, here.items.end + step);
        ASSERT_GE(after.band, here.band);
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_fits(plan, claims.chunk(claims.count - 1), rank));
    const auto window = plan.window(plan.bands() / 2, rank);
    ASSERT_NO_FATAL_FAILURE(expect_shared(plan, plan.bands() / 2, window, rank));
  }
  ASSERT_GT(chunks, 0);
  const auto last = plan.owns_slabs() ? plan.own_slab(request.ranks - 1) : plan.window(plan.bands() - 1, 0);
  ASSERT_EQ(last.end, request.items);
}

void expect_valid(const PlanRequest& request) {
  SCOPED_TRACE(describe(request));
  std::optional<Plan> plan;
  const auto error = test::error_of([&] { plan.emplace(request); });
  // Three bands in flight and one that is gathered; of slabs, rank 0 gathers the pieces of all.
  const bool has_slabs =
      plan ? plan->owns_slabs() : request.schedule == Schedule::block || request.schedule == Schedule::weighted;
  const auto held = 3 + (has_slabs && request.gather == Gather::root ? request.ranks : 1);
  if (held * bytes_per_item > request.memory_limit) {
    ASSERT_TRUE(error);
    ASSERT_EQ(error->kind(), ErrorKind::usage);
    ASSERT_TRUE(test::says(*error, "--memory-limit")) << error->what();
    return;
  }
  ASSERT_FALSE(error) << error->what();
  ASSERT_LE(plan->held_bytes(), request.memory_limit);
  ASSERT_EQ(plan->band_items() % plan->chunk_items(), 0);
  ASSERT_EQ(plan->room_items() % plan->chunk_items(), 0);
  ASSERT_GE(plan->room_items(), 1);
  ASSERT_EQ(plan->room_items() < plan->band_items(), plan->limits_room());
  if (plan->limits_room()) {
    const auto holders = request.schedule == Schedule::cyclic ? request.ranks : request.ranks / 2;
    ASSERT_FALSE(plan->owns_slabs());
    ASSERT_EQ(request.gather, Gather::parallel) << "rank 0 holds all that it gathers";
    ASSERT_LE(plan->band_items(), plan->room_items() * holders);
  }
  ASSERT_GE(plan->piece_items(), 1);
  if (request.chunk > 0) {
    ASSERT_LE(plan->chunk_items(), request.chunk);
  }
  if (request.items <= 10'000) {
    expect_covers(*plan);
  } else {
    expect_continues(*plan);
  }
}

class PlanOf : public testing::TestWithParam<std::int64_t> {};

TEST_P(PlanOf, HoldsForEveryLayout) {
  constexpr std::int64_t limits[] = {4 * bytes_per_item, 10 * bytes_per_item, 1000 * bytes_per_item,
                                     std::int64_t{512} << 20};
  for (const int ranks : {1, 2, 3, 4, 5, 64}) {
    for (const int threads : {1, 3}) {
      for (const auto limit : limits) {
        for (const std::int64_t chunk : {0, 1, 7, 100'000}) {
          for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic, Schedule::weighted}) {
            for (const auto gather : {Gather::parallel, Gather::root}) {
              PlanRequest request{GetParam(), bytes_per_item, ranks, threads, schedule, gather, chunk, limit, 64, {}};
              // Quick enough; and where chunks would be too many to count, see below.
              if (request.items > 2000 && (chunk == 1 || threads == 3)) continue;
              if (request.items > 10'000 && (chunk == 1 || limit < 1000 * bytes_per_item)) continue;
              for (const auto item : sample_items(request.items, ranks)) {
                request.costs.push_back(1.0 + static_cast<double>(item));
              }
              expect_valid(request);
              if (HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Items, PlanOf, testing::Values(1, 2, 7, 100, 509, 4000, 10'000'000'000),
                         [](const auto& each) { return std::to_string(each.param); });

PlanRequest lessons_image() {
  PlanRequest request;
  request.items = 4000;
  request.bytes_per_item = 3008;
  request.ranks = 4;
  return request;
}

PlanRequest lessons_image_by_cost() {
  auto request = lessons_image();
  request.schedule = Schedule::weighted;
  for (const auto item : sample_items(request.items, request.ranks))
    request.costs.push_back(1.0 + 1e-3 * static_cast<double>(item));
  return request;
}

TEST(Plan, HasLargerBandsOnSeveralNodes) {
  PlanRequest request;
  request.items = 10'000;
  request.bytes_per_item = 1000;
  request.ranks = 4;
  const Plan on_one(request);
  request.nodes = 2;
  EXPECT_GT(Plan(request).band_items(), on_one.band_items()) << "each band costs messages through the network";
}

TEST(Plan, HasChunksForEveryThreadAndSeveralBands) {
  const Plan plan(lessons_image());
  EXPECT_GE(plan.all_chunks(), 64 * 4);
  EXPECT_GE(plan.bands(), 2) << "writing overlaps with computing";
  EXPECT_EQ(plan.bands(), (4000 + plan.band_items() - 1) / plan.band_items());
}

TEST(Plan, HoldsLittleOfTheResultAtOnce) {
  auto request = lessons_image();
  request.ranks = 1;
  const Plan plan(request);
  EXPECT_LE(plan.held_bytes(), request.items * request.bytes_per_item / 4) << "bands use each other's memory again";
  auto dropped = request;
  dropped.kept = false;
  EXPECT_LE(Plan(dropped).held_bytes(), 64 * request.bytes_per_item) << "a piece a thread";
}

TEST(Plan, GivesTheThreadsOfABandEnoughToDo) {
  auto request = lessons_image();
  request.items = 65'536;
  for (const int ranks : {64, 1024, 4096, 16'384}) {
    request.ranks = ranks;
    const Plan plan(request);
    EXPECT_GE(plan.band_items(), std::min(request.items, 2 * plan.chunk_items() * ranks)) << ranks << " ranks";
  }
}

TEST(Plan, HasBandsForManyRanksWhereEachMayHoldLittle) {
  PlanRequest request;
  request.items = 65'536;
  request.bytes_per_item = 2 * request.items;
  request.ranks = 4096;
  request.items_between_checks = 1;
  for (const auto schedule : {Schedule::cyclic, Schedule::dynamic}) {
    request.schedule = schedule;
    request.takers = 0;
    const Plan plan(request);
    EXPECT_GE(plan.band_items(), 2 * request.ranks) << "two chunks for each";
    EXPECT_TRUE(plan.limits_room());
    EXPECT_LE(plan.held_bytes(), request.memory_limit);
    EXPECT_EQ(plan.room_items(), 1024);
  }
  request.takers = 1;
  EXPECT_FALSE(Plan(request).limits_room()) << "one rank may have to take all";
  request.takers = 0;
  request.gather = Gather::root;
  EXPECT_FALSE(Plan(request).limits_room());
  request.gather = Gather::parallel;
  request.kept = false;
  EXPECT_FALSE(Plan(request).limits_room());
}

/// Few items, some of which cost as much as a rank's share.
PlanRequest of_uneven_items(int ranks) {
  PlanRequest request;
  request.items = 4 * ranks;
  request.bytes_per_item = 100;
  request.ranks = ranks;
  request.schedule = Schedule::weighted;
  for (const auto item : sample_items(request.items, ranks)) request.costs.push_back(item % 7 < 3 ? 8.0 : 1.0);
  return request;
}

TEST(Plan, HandsOutTheCostliestFirstWhereSlabsAreUneven) {
  const auto request = of_uneven_items(50);
  const Plan plan(request);
  ASSERT_FALSE(plan.owns_slabs());
  ASSERT_TRUE(plan.hands_out_chunks());
  ASSERT_EQ(plan.bands(), 1);
  std::set<std::int64_t> seen;
  double last = 1e9;
  for (std::int64_t i = 0; i < plan.all_chunks(); ++i) {
    const auto chunk = plan.any_chunk(i);
    ASSERT_EQ(chunk.items.size(), 1);
    const auto cost = request.costs[static_cast<std::size_t>(chunk.items.begin)];
    ASSERT_LE(cost, last);
    last = cost;
    ASSERT_TRUE(seen.insert(chunk.items.begin).second);
  }
  EXPECT_EQ(std::ssize(seen), request.items);
  // Where not all fit at once, those of each band.
  auto small = request;
  small.memory_limit = 4 * 100;
  const Plan banded(small);
  ASSERT_EQ(banded.bands(), 8);
  for (std::int64_t i = 0; i < banded.all_chunks(); ++i) {
    const auto chunk = banded.any_chunk(i);
    ASSERT_EQ(intersect(chunk.items, banded.window(chunk.band, 0)), chunk.items);
    ASSERT_EQ(chunk.band, i / 25);
  }
}

TEST(Plan, KeepsSlabsWhereTheyAreNoWorse) {
  EXPECT_TRUE(Plan(lessons_image_by_cost()).owns_slabs()) << "many items for each rank";
  auto request = of_uneven_items(50);
  request.chunk = 2;
  EXPECT_TRUE(Plan(request).owns_slabs()) << "chunks that were asked for";
  request.chunk = 0;
  request.input_bytes_per_item = 8;
  EXPECT_TRUE(Plan(request).owns_slabs()) << "a rank has the inputs of its own slab";
  request.input_bytes_per_item = 0;
  request.costs.assign(request.costs.size(), 1.0);
  EXPECT_TRUE(Plan(request).owns_slabs()) << "items that cost the same";
  request.costs.assign(request.costs.size(), 0.0);
  EXPECT_TRUE(Plan(request).owns_slabs()) << "items that cost nothing";
}

TEST(Plan, ComputesAtOnceWhatACacheHolds) {
  auto request = lessons_image();
  EXPECT_GE(Plan(request).piece_items(), 64);
  request.bytes_per_item = 100'000;
  EXPECT_EQ(Plan(request).piece_items(), 2);
  request.bytes_per_item = 1 << 30;
  request.memory_limit = std::int64_t{1} << 40;
  EXPECT_EQ(Plan(request).piece_items(), 1);
}

TEST(Plan, CutsSlabsIntoEquallyManyBandsThatTakeAllRanksEquallyLong) {
  auto request = lessons_image();
  request.schedule = Schedule::weighted;
  request.items = 100'000;
  request.chunk = 4;
  // The first items cost most by far: slabs of very different sizes, one of them with cheap and costly items.
  const auto cost = [](std::int64_t item) { return item < 5'000 ? 30.0 : 1.0; };
  for (const auto item : sample_items(request.items, request.ranks)) request.costs.push_back(cost(item));
  for (const std::int64_t limit : {512, 16}) {
    request.memory_limit = limit << 20;
    const Plan plan(request);
    ASSERT_GT(plan.bands(), 10);
    ASSERT_LE(plan.held_bytes(), request.memory_limit);
    ASSERT_GT(plan.own_slab(3).size(), 5 * plan.own_slab(0).size());
    double all = 0;
    for (std::int64_t item = 0; item < request.items; ++item) all += cost(item);
    const auto each = all / request.ranks / static_cast<double>(plan.bands());
    for (int rank = 0; rank < request.ranks; ++rank) {
      double done = 0;
      for (std::int64_t band = 0; band < plan.bands(); ++band) {
        const auto window = plan.window(band, rank);
        ASSERT_LE(window.size(), plan.band_items());
        for (auto item = window.begin; item < window.end; ++item) done += cost(item);
        // A chunk more or less, and what straight lines between samples make of the jump.
        EXPECT_NEAR(done, each * static_cast<double>(band + 1), 30.0 * 4 + 0.02 * all) << rank << " " << band;
      }
    }
  }
}

TEST(Plan, SharesABandAmongAllRanksWhereThatIsWorthIt) {
  auto request = lessons_image();
  request.bytes_per_item = 300'008;
  request.chunk = 1'000;
  EXPECT_TRUE(Plan(request).owners_write()) << "large chunks stay where they are";
  request.bytes_per_item = 30'008;
  request.chunk = 1;
  request.items = 40'000;
  const Plan plan(request);
  EXPECT_FALSE(plan.owners_write());
  const auto window = plan.window(0, 0);
  const auto shares = plan.shares(0, window, 0);
  ASSERT_EQ(shares.size(), 4U);
  for (const auto& share : shares) {
    EXPECT_NEAR(static_cast<double>(share.items.size()), static_cast<double>(window.size()) / 4, 1);
  }
  // Bands that are worth one writer each: every rank has its turn.
  request = lessons_image();
  request.chunk = 1;
  request.memory_limit = 4 * 100 * request.bytes_per_item;
  request.takers = 1;
  const Plan small(request);
  ASSERT_GE(small.bands(), 4);
  std::set<int> writers;
  for (std::int64_t band = 0; band < 4; ++band) {
    ASSERT_EQ(small.shares(band, small.window(band, 0), 0).size(), 1U);
    writers.insert(small.shares(band, small.window(band, 0), 0).front().writer);
  }
  EXPECT_EQ(writers.size(), 4U);
}

TEST(Plan, FindsTheEndOfAChunksBand) {
  auto request = lessons_image();
  request.items = 4001;
  request.chunk = 7;
  request.memory_limit = 4 * 500 * request.bytes_per_item;
  const Plan plan(request);
  ASSERT_GT(plan.bands(), 3);
  for (std::int64_t index = 0; index < plan.all_chunks(); ++index) {
    const auto end = plan.band_end_chunk(index);
    ASSERT_GT(end, index);
    ASSERT_EQ(plan.any_chunk(end - 1).band, plan.any_chunk(index).band);
    if (end < plan.all_chunks()) {
      ASSERT_EQ(plan.any_chunk(end).band, plan.any_chunk(index).band + 1);
    }
  }
}

TEST(Plan, BoundsPiecesSoThatASignalIsHeard) {
  auto request = lessons_image();
  request.items_between_checks = 3;
  EXPECT_EQ(Plan(request).piece_items(), 3);
  EXPECT_LE(Plan(request).chunk_items(), 3);
  request.items_between_checks = 1;
  EXPECT_EQ(Plan(request).piece_items(), 1);
}

TEST(Plan, RefusesMoreDynamicChunksThanItCanCount) {
  PlanRequest request;
  request.items = 10'000'000'000;
  request.chunk = 1;
  const auto error = test::error_of([&] { const Plan plan(request); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_TRUE(test::says(*error, "--chunk")) << error->what();
  request.schedule = Schedule::cyclic;
  EXPECT_EQ(Plan(request).all_chunks(), request.items);
}

TEST(Schedule, HasTheNamesOfTheOptions) {
  EXPECT_EQ(to_string(Schedule::block), "block");
  EXPECT_EQ(to_string(Schedule::cyclic), "cyclic");
  EXPECT_EQ(to_string(Schedule::dynamic), "dynamic");
  EXPECT_EQ(to_string(Schedule::weighted), "weighted");
  EXPECT_EQ(to_string(Gather::parallel), "parallel");
  EXPECT_EQ(to_string(Gather::root), "root");
}

PlanRequest fed(Schedule schedule, std::int64_t memory_limit, bool can_be_made, int sharers = 1) {
  PlanRequest request;
  request.items = 1000;
  request.bytes_per_item = 100;
  request.input_bytes_per_item = 200;
  request.inputs_can_be_made = can_be_made;
  request.input_sharers = sharers;
  request.ranks = 4;
  request.schedule = schedule;
  request.memory_limit = memory_limit;
  return request;
}

TEST(Plan, HoldsInputsThatFitAndFeedsOthers) {
  for (const bool can_be_made : {false, true}) {
    const auto otherwise = can_be_made ? Feeding::made : Feeding::streamed;
    // A rank's own quarter of the inputs is 50,000 bytes, its part of the result 25,000.
    EXPECT_EQ(Plan(fed(Schedule::block, 100'000, can_be_made)).feeding(), Feeding::resident);
    EXPECT_EQ(Plan(fed(Schedule::block, 60'000, can_be_made)).feeding(), otherwise);
    // Where anybody may compute anything, a rank holds all of them, or its node does.
    EXPECT_EQ(Plan(fed(Schedule::dynamic, 100'000, can_be_made)).feeding(), otherwise);
    EXPECT_EQ(Plan(fed(Schedule::dynamic, 350'000, can_be_made, 4)).feeding(), Feeding::resident);
    EXPECT_EQ(Plan(fed(Schedule::dynamic, 500'000, can_be_made)).feeding(), Feeding::resident);
  }
  auto none = fed(Schedule::block, 1 << 20, true);
  none.input_bytes_per_item = 0;
  EXPECT_EQ(Plan(none).feeding(), Feeding::none);
  EXPECT_EQ(Plan(none).held_input_bytes(), 0);
}

TEST(Plan, KeepsInputsAndResultUnderTheLimitTogether) {
  for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic}) {
    for (const auto gather : {Gather::parallel, Gather::root}) {
      for (const bool can_be_made : {false, true}) {
        for (const std::int64_t limit : {3'000, 10'000, 70'000, 150'000, 400'000, 1'000'000}) {
          auto request = fed(schedule, limit, can_be_made);
          request.gather = gather;
          const Plan plan(request);
          EXPECT_LE(plan.held_bytes() + plan.held_input_bytes(), limit);
          EXPECT_EQ(plan.held_input_bytes() == 0, plan.feeding() == Feeding::made);
        }
      }
    }
  }
}

TEST(Plan, GivesEachThreadConsecutiveChunksOfABand) {
  auto request = fed(Schedule::block, 1 << 20, true);
  request.threads = 3;
  request.chunk = 7;
  const Plan plan(request);
  for (int rank = 0; rank < request.ranks; ++rank) {
    for (std::int64_t band = 0; band < plan.bands(); ++band) {
      const auto window = plan.window(band, rank);
      auto at = window.begin;
      for (int thread = 0; thread < request.threads; ++thread) {
        const auto part = plan.thread_part(band, rank, thread);
        EXPECT_EQ(part.begin, at);
        EXPECT_TRUE(part.end == window.end || part.size() % 7 == 0);
        at = part.end;
      }
      EXPECT_EQ(at, window.end);
    }
  }
}

}  // namespace
}  // namespace paceline
