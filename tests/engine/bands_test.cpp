// Bands in flight: what threads leave is found whole, and nobody runs further ahead than memory allows.
#include "engine/bands.hpp"

#include <thread>

#include <gtest/gtest.h>

#include <paceline/digest.hpp>
#include <support.hpp>

namespace paceline {
namespace {

constexpr std::int64_t width = 5;

Plan plan_of(std::int64_t items, std::int64_t chunk, std::int64_t band_items, int threads, int ranks = 1) {
  PlanRequest request;
  request.ranks = ranks;
  request.items = items;
  request.bytes_per_item = width;
  request.threads = threads;
  request.chunk = chunk;
  request.memory_limit = 4 * width * band_items;
  return Plan(request);
}

bool never() { return false; }

const ResultShape shape = test::numbers_shape(3001, width);

void compute_into(Bands& bands, std::int64_t band, Slab items) {
  const auto place = bands.place(band, items);
  std::vector<ItemMark> marks;
  for (auto item = items.begin; item < items.end; ++item) {
    const auto bytes = place.subspan(static_cast<std::size_t>((item - items.begin) * width), width);
    test::fill_item(item, bytes);
    marks.push_back(test::mark_of(item, bytes));
  }
  bands.finished(band, items, place, marks);
}

std::vector<Slab> items_of(const Bands::View& view) {
  std::vector<Slab> all;
  for (const auto& run : view.runs) all.push_back(run.items);
  return all;
}

/// Bytes and marks of all items that are there, each where its run says.
void expect_right(const ResultShape& of, Bands::View& view) {
  for (const auto& run : view.runs) {
    for (auto item = run.items.begin; item < run.items.end; ++item) {
      const auto expected = test::item_bytes(item, static_cast<std::int64_t>(of.bytes_in({item, item + 1})));
      const auto at = static_cast<std::size_t>(run.byte_at) + of.bytes_in({run.items.begin, item});
      const auto bytes = view.bytes.subspan(at, expected.size());
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), expected.begin())) << "item " << item;
      ASSERT_EQ(view.marks[static_cast<std::size_t>(run.at + item - run.items.begin)].digest,
                item_digest(item, expected))
          << "item " << item;
      ASSERT_EQ(&view.mark(item), &view.marks[static_cast<std::size_t>(run.at + item - run.items.begin)]);
    }
  }
}

TEST(Bands, ArePassedWhenEveryThreadHasGoneOn) {
  const auto plan = plan_of(100, 10, 10, 2);
  ASSERT_EQ(plan.bands(), 10);
  Bands bands(plan, shape, 0, 2);
  EXPECT_EQ(bands.last_entered(), -1);
  EXPECT_TRUE(bands.enter(0, 0, never));
  EXPECT_EQ(bands.last_entered(), 0);
  EXPECT_TRUE(bands.enter(0, 2, never));
  EXPECT_FALSE(bands.passed(0)) << "the other thread may still come";
  EXPECT_TRUE(bands.enter(1, 1, never));
  EXPECT_TRUE(bands.passed(0));
  EXPECT_FALSE(bands.passed(1));
  EXPECT_EQ(bands.last_entered(), 2);
  bands.leave(1);
  EXPECT_TRUE(bands.passed(1));
  EXPECT_FALSE(bands.passed(2));
  bands.leave(0);
  EXPECT_TRUE(bands.passed(9));
  EXPECT_EQ(bands.last_entered(), 2);
}

TEST(Bands, ShowWhatIsFinishedSortedWithItsHoles) {
  const auto plan = plan_of(100, 10, 100, 1);
  Bands bands(plan, shape, 0, 1);
  EXPECT_TRUE(bands.enter(0, 0, never));
  for (const auto& items : {Slab{50, 53}, Slab{10, 20}, Slab{20, 30}, Slab{99, 100}}) compute_into(bands, 0, items);
  bands.leave(0);
  auto view = bands.take(0);
  EXPECT_EQ(items_of(view), (std::vector<Slab>{{10, 30}, {50, 53}, {99, 100}}));
  expect_right(shape, view);
}

TEST(Bands, GiveOutOnceWhatIsFinished) {
  const auto plan = plan_of(100, 10, 100, 1);
  Bands bands(plan, shape, 0, 1);
  EXPECT_TRUE(bands.enter(0, 0, never));
  EXPECT_FALSE(bands.has_finished(0));
  compute_into(bands, 0, {20, 30});
  EXPECT_TRUE(bands.has_finished(0));
  EXPECT_EQ(items_of(bands.take(0)), (std::vector<Slab>{{20, 30}}));
  EXPECT_FALSE(bands.has_finished(0));
  EXPECT_TRUE(bands.take(0).runs.empty());
  compute_into(bands, 0, {0, 20});
  compute_into(bands, 0, {30, 100});
  const auto rest = bands.take(0);
  EXPECT_EQ(items_of(rest), (std::vector<Slab>{{0, 20}, {30, 100}}));
  EXPECT_TRUE(
      std::equal(rest.bytes.begin() + 25 * width, rest.bytes.begin() + 26 * width, test::item_bytes(25, width).begin()))
      << "what was given out before is still there";
}

TEST(Bands, KeepTheVariableBytesOfEachItem) {
  const auto plan = plan_of(100, 10, 100, 1);
  Bands bands(plan, shape, 0, 1);
  EXPECT_TRUE(bands.enter(0, 0, never));
  const auto pieces_of = [](std::int64_t item) {
    return Pieces{test::item_bytes(item, item), test::item_bytes(item, 3)};
  };
  for (const std::int64_t item : {70, 5, 33}) {
    const auto mark = test::mark_of(item, test::item_bytes(item, width), pieces_of(item));
    const auto place = bands.place(0, {item, item + 1});
    bands.finished(0, {item, item + 1}, place, {&mark, 1}, pieces_of(item));
  }
  compute_into(bands, 0, {50, 60});
  auto view = bands.take(0);
  EXPECT_EQ(items_of(view), (std::vector<Slab>{{5, 6}, {33, 34}, {50, 60}, {70, 71}}));
  ASSERT_EQ(view.variable.size(), 3U) << "of those that have any";
  for (const std::size_t k : {0U, 1U, 2U}) {
    const auto item = std::vector<std::int64_t>{5, 33, 70}[k];
    EXPECT_EQ(view.variable[k].first, item);
    EXPECT_EQ(view.variable[k].second, pieces_of(item));
    EXPECT_EQ(view.mark(item).size, item + 3);
  }
  EXPECT_TRUE(bands.take(0).variable.empty());
}

TEST(Bands, PackItemsOfAnySize) {
  auto uneven = shape;
  uneven.starts = {0};
  for (std::int64_t item = 0; item < 100; ++item) uneven.starts.push_back(uneven.starts.back() + item % 4);
  uneven.dims = {uneven.starts.back(), width};
  const auto plan = plan_of(100, 10, 30, 1);
  Bands bands(plan, uneven, 0, 1);
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    ASSERT_TRUE(bands.enter(0, band, never));
    const auto window = plan.window(band, 0);
    for (auto item = window.begin; item < window.end; ++item) {
      const auto place = bands.place(band, {item, item + 1});
      ASSERT_EQ(std::ssize(place), item % 4 * width);
      test::fill_item(item, place);
      const ItemMark mark = test::mark_of(item, place);
      bands.finished(band, {item, item + 1}, place, {&mark, 1});
    }
    auto view = bands.take(band);
    EXPECT_EQ(items_of(view), std::vector<Slab>{window});
    ASSERT_NO_FATAL_FAILURE(expect_right(uneven, view));
    bands.release(band);
  }
}

TEST(Bands, LetNobodyInBeforeThereIsRoom) {
  const auto plan = plan_of(100, 10, 10, 1);
  Bands bands(plan, shape, 0, 1);
  std::atomic<bool> is_in = false;
  EXPECT_TRUE(bands.enter(0, 2, never));
  std::thread thread([&] {
    EXPECT_TRUE(bands.enter(0, 3, never));
    is_in = true;
  });
  while (!bands.passed(2)) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(is_in) << "three bands fly already";
  bands.release(0);
  thread.join();
  EXPECT_TRUE(is_in);
}

TEST(Bands, WaitNoLongerThanTheStop) {
  const auto plan = plan_of(100, 10, 10, 1);
  Bands bands(plan, shape, 0, 1);
  std::atomic<bool> stop = false;
  std::thread thread([&] { EXPECT_FALSE(bands.enter(0, 5, [&] { return stop.load(); })); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  stop = true;
  thread.join();
  EXPECT_FALSE(bands.enter(0, 0, [] { return true; })) << "a stop is heard where there is room, too";
}

/// Threads claim chunks in order, one thread looks at each band as it is passed.
void stream(const Plan& plan, int threads) {
  Bands bands(plan, shape, 0, threads);
  std::atomic<std::int64_t> next = 0;
  std::atomic<std::int64_t> released = 0;
  std::atomic<int> too_far = 0;
  std::vector<std::thread> team;
  for (int t = 0; t < threads; ++t) {
    team.emplace_back([&, t] {
      for (auto i = next++; i < plan.all_chunks(); i = next++) {
        const auto chunk = plan.any_chunk(i);
        bands.enter(t, chunk.band, never);
        if (chunk.band >= released + 1 + Plan::bands_in_flight()) ++too_far;
        compute_into(bands, chunk.band, chunk.items);
      }
      bands.leave(t);
    });
  }
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    while (!bands.passed(band)) std::this_thread::yield();
    auto view = bands.take(band);
    if (plan.owners_write()) {
      EXPECT_EQ(items_of(view), std::vector<Slab>{plan.window(band, 0)}) << "one piece of memory, as it is written";
    }
    std::int64_t items = 0;
    for (const auto& run : view.runs) items += run.items.size();
    EXPECT_EQ(items, plan.window(band, 0).size());
    ASSERT_NO_FATAL_FAILURE(expect_right(shape, view));
    released = band + 1;
    bands.release(band);
  }
  for (auto& thread : team) thread.join();
  EXPECT_EQ(too_far, 0);
}

TEST(Bands, StreamThroughWithManyThreads) {
  for (const int threads : {1, 2, 5}) {
    stream(plan_of(3001, 1, 7, threads), threads);
    stream(plan_of(3001, 3, 100, threads), threads);
    stream(plan_of(1, 1, 1, threads), threads);
  }
}

TEST(Bands, LayItemsOneAfterTheOtherWhereOthersWriteThem) {
  for (const int threads : {1, 2, 5}) {
    const auto plan = plan_of(3001, 3, 100, threads, 2);
    ASSERT_FALSE(plan.owners_write());
    stream(plan, threads);
  }
  // Of a band of 100 items, what this rank computes lies at its beginning.
  const auto plan = plan_of(3001, 5, 100, 1, 2);
  Bands bands(plan, shape, 0, 1);
  EXPECT_TRUE(bands.enter(0, 0, never));
  for (const auto& items : {Slab{90, 95}, Slab{40, 45}}) compute_into(bands, 0, items);
  auto view = bands.take(0);
  EXPECT_EQ(items_of(view), (std::vector<Slab>{{40, 45}, {90, 95}}));
  expect_right(shape, view);
  for (const auto& run : view.runs) {
    EXPECT_LT(run.byte_at, 10 * width);
  }
  bands.release(0);
  EXPECT_TRUE(bands.enter(0, Plan::bands_in_flight(), never));
  EXPECT_EQ(bands.place(Plan::bands_in_flight(), {300, 305}).data(), view.bytes.data()) << "the memory is used again";
}

TEST(Bands, HaveRoomForWhatARankMayHoldOfALargerBand) {
  PlanRequest request;
  request.items = 3001;
  request.ranks = 8;
  request.chunk = 5;
  request.bytes_per_item = 20'000;  // so large that who computes them writes them
  request.memory_limit = 4 * request.bytes_per_item * 20;
  const Plan plan(request);
  ASSERT_TRUE(plan.owners_write());
  ASSERT_EQ(plan.band_items(), 80);
  ASSERT_EQ(plan.room_items(), 20);
  Bands bands(plan, shape, 0, 1);
  bands.first_touch();
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    EXPECT_TRUE(bands.enter(0, band, never));
    const auto first = plan.window(band, 0).begin;
    // As many as there is room for, the last first.
    std::vector<Slab> all;
    for (int k = 3; k >= 0; --k) {
      const Slab items{first + 10 * k, first + 10 * k + 5};
      if (items.end > plan.window(band, 0).end) continue;
      compute_into(bands, band, items);
      all.insert(all.begin(), items);
    }
    auto view = bands.take(band);
    EXPECT_LE(view.bytes.size(), 20U * width);
    EXPECT_EQ(items_of(view), all);
    ASSERT_NO_FATAL_FAILURE(expect_right(shape, view));
    bands.release(band);
  }
}

TEST(Bands, HoldNothingAndLetEverybodyOnWhereItemsGoNowhere) {
  PlanRequest request;
  request.items = 1000;
  request.bytes_per_item = width;
  request.chunk = 10;
  request.memory_limit = 400 * width;
  request.kept = false;
  const Plan plan(request);
  ASSERT_GT(plan.bands(), Plan::bands_in_flight());
  EXPECT_FALSE(plan.goes_by_bands());
  EXPECT_LE(plan.held_bytes(), 10 * width);
  Bands bands(plan, shape, 0, 1);
  EXPECT_FALSE(bands.keep());
  EXPECT_TRUE(bands.enter(0, plan.bands() - 1, never)) << "without waiting for anyone";
  EXPECT_FALSE(bands.passed(plan.bands() - 1));
  EXPECT_FALSE(bands.has_finished(plan.bands() - 1));
  bands.leave(0);
  EXPECT_TRUE(bands.passed(plan.bands() - 1));
  EXPECT_TRUE(bands.take(plan.bands() - 1).runs.empty());
}

}  // namespace
}  // namespace paceline
