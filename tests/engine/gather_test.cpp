// Gathering: whoever computed an item, its bytes and its mark arrive once, where they are to be written.
#include "engine/gather.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include <paceline/digest.hpp>
#include <support.hpp>

namespace paceline::gather_test {
namespace {

constexpr std::int64_t width = 11;

struct Case {
  Schedule schedule = Schedule::dynamic;
  Gather gather = Gather::parallel;
  std::int64_t items = 1000;
  std::int64_t chunk = 3;
  std::int64_t band_items = 300;
  std::int64_t message_bytes = Messages::largest_message;
  bool is_backwards = false;  ///< of a band a rank computes the last chunk first
  bool is_uneven = false;     ///< items have 0 to 3 rows
  bool is_spread = false;     ///< ranks hold parts of a band, so that it may be larger than their room
  bool is_direct = false;     ///< items are so large that who computes them writes them
  /// Dynamic: which rank computes a chunk. Negative: nobody does, as when it is resumed or not reached.
  std::function<int(std::int64_t)> owner = [](std::int64_t chunk_begin) {
    return static_cast<int>(test::scrambled(static_cast<std::uint64_t>(chunk_begin)) % 1000);
  };
  std::function<bool(std::int64_t)> is_hole = [](std::int64_t) { return false; };
};

ResultShape shape_of(const Case& c) {
  auto shape = test::numbers_shape(c.items, width);
  if (!c.is_uneven) return shape;
  shape.starts = {0};
  for (std::int64_t item = 0; item < c.items; ++item) shape.starts.push_back(shape.starts.back() + item % 4);
  shape.dims[0] = shape.starts.back();
  return shape;
}

Plan plan_of(const Case& c, int ranks) {
  PlanRequest request;
  request.items = c.items;
  // As if an item were large, so that several ranks get a piece to write, but not so large that owners write.
  request.bytes_per_item = c.is_direct ? 1 << 20 : (std::int64_t{64} << 10) / c.chunk - 1;
  request.ranks = ranks;
  request.schedule = c.schedule;
  request.gather = c.gather;
  request.chunk = c.chunk;
  request.ordered = false;  // bands as large as they may be
  request.takers = c.is_spread ? 0 : 1;
  const bool root_holds_all =
      c.gather == Gather::root && (c.schedule == Schedule::block || c.schedule == Schedule::weighted);
  request.memory_limit = (3 + (root_holds_all ? ranks : 1)) * request.bytes_per_item * c.band_items;
  for (const auto item : sample_items(c.items, ranks)) request.costs.push_back(static_cast<double>(item * item + 1));
  return Plan(request);
}

std::vector<Chunk> chunks_of(const Plan& plan, const Comm& comm, const Case& c) {
  std::vector<Chunk> mine;
  if (!plan.hands_out_chunks()) {
    for (std::int64_t i = 0; i < plan.own_chunks(comm.rank()); ++i) mine.push_back(plan.own_chunk(comm.rank(), i));
    return mine;
  }
  for (std::int64_t i = 0; i < plan.all_chunks(); ++i) {
    const auto owner = c.owner(plan.any_chunk(i).items.begin);
    if (owner >= 0 && owner % comm.size() == comm.rank()) mine.push_back(plan.any_chunk(i));
  }
  return mine;
}

void compute_item(Bands& bands, std::int64_t band, std::int64_t item) {
  const auto bytes = bands.place(band, {item, item + 1});
  test::fill_item(item, bytes);
  auto mark = test::mark_of(item, bytes);
  mark.origin = {0.5, Comm::world().rank(), static_cast<std::int32_t>(item % 100)};
  mark.begin = 10 * item;
  mark.size = item;
  bands.finished(band, {item, item + 1}, bytes, {&mark, 1});
}

/// Checks what one rank is to write of a band, and counts it.
void check_gathered(const Gathered& gathered, const ResultShape& shape, std::vector<int>& times) {
  auto last_end = std::int64_t{-1};
  for (const auto& run : gathered.runs) {
    ASSERT_GT(run.items.begin, last_end) << "runs are sorted and merged";
    last_end = run.items.end;
    for (auto item = run.items.begin; item < run.items.end; ++item) {
      const auto expected = test::item_bytes(item, static_cast<std::int64_t>(shape.bytes_in({item, item + 1})));
      const auto byte_at = static_cast<std::size_t>(run.byte_at) + shape.bytes_in({run.items.begin, item});
      const auto bytes = gathered.bytes.subspan(byte_at, expected.size());
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), expected.begin())) << "item " << item;
      const auto& mark = gathered.marks[static_cast<std::size_t>(run.at + item - run.items.begin)];
      ASSERT_EQ(mark.digest, item_digest(item, expected)) << "item " << item;
      ASSERT_EQ(mark.origin.seconds, 0.5);
      ASSERT_LT(mark.origin.rank, Comm::world().size());
      ASSERT_EQ(mark.origin.thread, item % 100);
      ASSERT_EQ(mark.begin, 10 * item);
      ASSERT_EQ(mark.size, item);
      ++times[static_cast<std::size_t>(item)];
    }
  }
}

void expect_gathered(const Case& c) {
  const auto comm = Comm::world().duplicate();
  SCOPED_TRACE(to_string(c.schedule) + " " + to_string(c.gather) + " items " + std::to_string(c.items) + " message " +
               std::to_string(c.message_bytes));
  const auto plan = plan_of(c, comm.size());
  const auto shape = shape_of(c);
  Bands bands(plan, shape, comm.rank(), 1);
  Gatherer gatherer(plan, shape, comm, c.message_bytes);
  auto mine = chunks_of(plan, comm, c);
  std::stable_sort(mine.begin(), mine.end(), [&](const Chunk& a, const Chunk& b) {
    return a.band != b.band ? a.band < b.band : c.is_backwards && a.items.begin > b.items.begin;
  });
  std::vector<int> times(static_cast<std::size_t>(c.items), 0), expected(times);
  auto chunk = mine.begin();
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    for (; chunk != mine.end() && chunk->band == band; ++chunk) {
      ASSERT_TRUE(bands.enter(0, band, [] { return false; }));
      for (auto item = chunk->items.begin; item < chunk->items.end; ++item) {
        if (c.is_hole(item)) continue;
        compute_item(bands, band, item);
        ++expected[static_cast<std::size_t>(item)];
      }
    }
    const auto view = bands.take(band);
    const auto gathered = gatherer.gather(band, view, {});
    check_gathered(gathered, shape, times);
    if (plan.request().gather == Gather::root && comm.rank() != 0) {
      EXPECT_TRUE(gathered.runs.empty());
    }
    bands.release(band);
  }
  EXPECT_EQ(comm.reduce_all(times, MPI_SUM), comm.reduce_all(expected, MPI_SUM));
}

void for_each_way(const std::function<void(Case&)>& change) {
  for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic, Schedule::weighted}) {
    for (const auto gather : {Gather::parallel, Gather::root}) {
      Case c;
      c.schedule = schedule;
      c.gather = gather;
      change(c);
      expect_gathered(c);
    }
  }
}

TEST(Gatherer, HasSeveralWritersInTheseTests) {
  const Case c;
  const auto ranks = Comm::world().size();
  const auto plan = plan_of(c, ranks);
  EXPECT_GT(plan.bands(), 3);
  EXPECT_GE(plan.shares(0, plan.window(0, 0), 0).size(), static_cast<std::size_t>(std::min(ranks, 3)));
}

TEST(Gatherer, BringsEveryItemToItsWriter) {
  for (const std::int64_t message : {std::int64_t{1}, std::int64_t{100}, Messages::largest_message}) {
    for_each_way([&](Case& c) {
      c.message_bytes = message;
      // A message a byte: fewer items.
      if (message == 1) c.items = 150, c.band_items = 50;
    });
  }
  for (const bool is_direct : {true, false}) {
    for_each_way([&](Case& c) {
      c.is_direct = is_direct;
      c.is_uneven = true;
      c.message_bytes = is_direct ? Messages::largest_message : 100;
    });
  }
  for_each_way([&](Case& c) { c.is_direct = true; });
}

TEST(Gatherer, WorksWhereABandIsLargerThanWhatARankHolds) {
  for (const bool is_direct : {true, false}) {
    for (const bool is_uneven : {true, false}) {
      for (const auto schedule : {Schedule::dynamic, Schedule::cyclic}) {
        Case c;
        c.schedule = schedule;
        c.is_spread = true;
        c.is_direct = is_direct;
        c.is_uneven = is_uneven;
        c.band_items = 30;
        // In turn, backwards or forwards, as threads that overtake each other lay them.
        c.owner = [](std::int64_t begin) { return static_cast<int>(begin / 3 % Comm::world().size()); };
        if (Comm::world().size() >= 4) {
          EXPECT_TRUE(plan_of(c, Comm::world().size()).limits_room());
        }
        for (const bool is_backwards : {true, false}) {
          c.is_backwards = is_backwards;
          expect_gathered(c);
        }
      }
    }
  }
}

TEST(Gatherer, WorksForAnySize) {
  for (const std::int64_t items : {1, 2, 3, 65, 129}) {
    for_each_way([&](Case& c) {
      c.items = items;
      c.chunk = 1 + items % 2;
      c.band_items = 1 + items / 2;
      c.message_bytes = 100;
    });
  }
}

TEST(Gatherer, LeavesOutWhatIsThereAlready) {
  for_each_way([](Case& c) {
    c.is_hole = [](std::int64_t item) { return test::scrambled(static_cast<std::uint64_t>(item)) % 3 == 0; };
    c.message_bytes = 100;
  });
  for_each_way([](Case& c) { c.is_hole = [](std::int64_t item) { return item / 50 % 2 == 0; }; });
  for_each_way([](Case& c) { c.is_hole = [](std::int64_t) { return true; }; });
}

TEST(Gatherer, TakesAllFromOneRank) {
  for (const auto gather : {Gather::parallel, Gather::root}) {
    for (int rank = 0; rank < Comm::world().size(); ++rank) {
      Case c;
      c.gather = gather;
      c.owner = [rank](std::int64_t) { return rank; };
      expect_gathered(c);
    }
  }
}

TEST(Gatherer, TakesUnreachedChunksForHoles) {
  Case c;
  c.owner = [](std::int64_t begin) { return begin < 100 ? static_cast<int>(begin) : -1; };
  expect_gathered(c);
}

TEST(Gatherer, CallsMeanwhileSoThatOthersAreServed) {
  Case c;
  const auto comm = Comm::world().duplicate();
  const auto plan = plan_of(c, comm.size());
  const auto shape = shape_of(c);
  Bands bands(plan, shape, comm.rank(), 1);
  Gatherer gatherer(plan, shape, comm);
  // The last rank is late; the others wait in calls of theirs.
  if (comm.rank() == comm.size() - 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  int calls = 0;
  const auto view = bands.take(0);
  gatherer.gather(0, view, [&] {
    ++calls;
    return CoreUse::own;
  });
  if (comm.rank() != comm.size() - 1) {
    EXPECT_GT(calls, 0);
  }
}

// Variable bytes: rank 0 gets all, each rank's in batches, and never holds all that a rank has.

constexpr std::int64_t batch_bytes = std::int64_t{8} << 20;
constexpr std::int64_t each = 40;

std::int64_t size_of(std::int64_t item) {
  // Of every rank one is larger than a batch.
  if (item % each == 5) return batch_bytes + 1;
  return item % 7 == 0 ? 0 : item % 5 == 0 ? 2'000'000 : 100 * (item % 11);
}

/// Cheaper to make than item_bytes().
std::vector<std::byte> contents_of(std::int64_t item) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size_of(item)), static_cast<std::byte>(item));
  if (!bytes.empty()) bytes.front() = bytes.back() = static_cast<std::byte>(test::scrambled(item + 1U));
  return bytes;
}

void expect_variable_gathered(std::int64_t message_bytes, const std::function<bool(int)>& has_some) {
  const auto comm = Comm::world().duplicate();
  const Case c;
  const auto plan = plan_of(c, comm.size());
  const auto shape = shape_of(c);
  Gatherer gatherer(plan, shape, comm, message_bytes);
  std::map<std::int64_t, std::int64_t> item_at;
  std::int64_t place = 17;
  std::vector<std::vector<std::byte>> contents;
  std::vector<VariableRun> mine;
  contents.reserve(each);
  for (std::int64_t item = 0; item < each * comm.size(); ++item) {
    const auto rank = static_cast<int>(item / each);
    if (!has_some(rank)) continue;
    // Those that have no bytes share their place with the next one.
    if (size_of(item) > 0) item_at[place] = item;
    if (rank == comm.rank()) mine.push_back({place, contents.emplace_back(contents_of(item))});
    place += size_of(item);
  }
  int calls = 0;
  gatherer.gather_variable(
      mine,
      [&](std::span<const VariableRun> runs) {
        EXPECT_EQ(comm.rank(), 0);
        const bool are_own = ++calls == 1;
        std::int64_t held = 0;
        for (const auto& run : runs) {
          held += std::ssize(run.bytes);
          if (run.bytes.empty()) continue;
          const auto found = item_at.find(run.begin);
          ASSERT_NE(found, item_at.end()) << "place " << run.begin;
          const auto expected = contents_of(found->second);
          ASSERT_TRUE(std::equal(run.bytes.begin(), run.bytes.end(), expected.begin(), expected.end()))
              << "item " << found->second;
          item_at.erase(found);
        }
        EXPECT_TRUE(are_own || runs.size() == 1 || held <= batch_bytes);
      },
      {});
  if (comm.rank() == 0) {
    EXPECT_TRUE(item_at.empty()) << "each arrives, and once";
  } else {
    EXPECT_EQ(calls, 0);
  }
  comm.barrier();
}

TEST(GatherVariable, BringsTheBytesOfAllRanks) {
  for (const std::int64_t message : {std::int64_t{70'000}, Messages::largest_message}) {
    expect_variable_gathered(message, [](int) { return true; });
  }
}

TEST(GatherVariable, TakesRanksThatHaveNone) {
  for (const int odd : {0, 1}) {
    expect_variable_gathered(Messages::largest_message, [odd](int rank) { return rank % 2 == odd; });
  }
  expect_variable_gathered(Messages::largest_message, [](int rank) { return rank == 3; });
  expect_variable_gathered(Messages::largest_message, [](int) { return false; });
}

TEST(GatherVariable, CallsMeanwhileSoThatOthersAreServed) {
  const auto comm = Comm::world().duplicate();
  const Case c;
  const auto plan = plan_of(c, comm.size());
  const auto shape = shape_of(c);
  Gatherer gatherer(plan, shape, comm);
  // Rank 0 waits for the last one.
  if (comm.rank() == comm.size() - 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  int calls = 0;
  gatherer.gather_variable(
      {}, [](auto) {},
      [&] {
        ++calls;
        return CoreUse::own;
      });
  if (comm.rank() == 0 && comm.size() > 1) {
    EXPECT_GT(calls, 0);
  }
}

}  // namespace
}  // namespace paceline::gather_test
