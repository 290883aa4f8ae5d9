#include <paceline/queue.hpp>

#include <numeric>

#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class QueueOn : public Layouts {};

struct Item {
  std::int32_t maker;  ///< thread, over all ranks
  std::int32_t number;
  std::int64_t check;
};

TEST_P(QueueOn, BringsEveryItemOnceAndInItsMakersOrder) {
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    Queue<Item> queue(domain, capacity);
    Counter makers_left(domain, all_threads());
    const int each = scaled(10'000);
    std::atomic<std::int64_t> popped = 0, sum = 0;
    // Each thread makes and takes in turns of its own, in a team of two: one pushes while the other pops.
    on_threads(2 * threads(), [&](int thread) {
      if (thread % 2 == 0) {
        const auto maker = world.rank() * threads() + thread / 2;
        for (int i = 0; i < each; ++i) queue.push({maker, i, std::int64_t{maker} * i});
        if (makers_left.fetch_sub(1) == 1) queue.close();
        return;
      }
      std::vector<int> last(static_cast<std::size_t>(all_threads()), -1);
      while (const auto item = queue.pop()) {
        EXPECT_EQ(item->check, std::int64_t{item->maker} * item->number);
        auto& before = last[static_cast<std::size_t>(item->maker)];
        EXPECT_LT(before, item->number);
        before = item->number;
        ++popped;
        sum += item->number;
      }
    });
    EXPECT_EQ(world.reduce_all(popped.load(), MPI_SUM), std::int64_t{each} * all_threads());
    EXPECT_EQ(world.reduce_all(sum.load(), MPI_SUM), std::int64_t{each} * (each - 1) / 2 * all_threads());
    EXPECT_TRUE(queue.is_closed());
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_FALSE(queue.pop()) << "what is over stays over";
    world.barrier();
  }
}

TEST_P(QueueOn, TimesOutFullAndEmpty) {
  Queue<double> queue(domain, 2);
  if (world.rank() == world.size() - 1) {
    EXPECT_FALSE(queue.try_pop());
    EXPECT_FALSE(queue.try_pop_for(10ms));
    EXPECT_TRUE(queue.try_push(1.0));
    EXPECT_TRUE(queue.try_push_for(2.0, 1s));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_FALSE(queue.try_push(3.0));
    EXPECT_FALSE(queue.try_push_for(3.0, 10ms));
    EXPECT_EQ(queue.pop(), 1.0);
    EXPECT_EQ(queue.try_pop_for(1s), 2.0);
    EXPECT_FALSE(queue.is_closed());
  }
}

TEST_P(QueueOn, TellsOfItemsPushedAfterItsEnd) {
  Queue<int> queue(domain, 1, "short");
  if (world.rank() == 0) {
    queue.push(5);
    // One waits for room while the end comes.
    std::thread closing([&] {
      std::this_thread::sleep_for(30ms);
      queue.close();
      queue.close();
    });
    const auto error = error_of([&] { queue.push(6); });
    closing.join();
    ASSERT_TRUE(error);
    EXPECT_TRUE(says(*error, "queue \"short\" is closed")) << error->what();
    EXPECT_TRUE(error_of([&] { static_cast<void>(queue.try_push(7)); }));
  }
  world.barrier();
  if (world.rank() == world.size() - 1) {
    EXPECT_EQ(queue.pop(), 5);
    EXPECT_FALSE(queue.pop());
  }
}

TEST_P(QueueOn, EndsTheWaitOfAllWhenItCloses) {
  Queue<int> queue(domain, 3);
  std::thread closing([&] {
    if (world.rank() != 0) return;
    std::this_thread::sleep_for(30ms);
    queue.close();
  });
  on_threads(threads(), [&](int /*thread*/) { EXPECT_FALSE(queue.pop()); });
  closing.join();
}

TEST_P(QueueOn, CarriesItemsOfManySizes) {
  struct Large {
    std::array<std::int32_t, 5000> values;
  };
  Queue<Large> large(domain, 2);
  Queue<char> small(domain, 5);
  if (world.rank() == world.size() - 1) {
    Large item{};
    std::iota(item.values.begin(), item.values.end(), 3);
    large.push(item);
    small.push('x');
  }
  if (world.rank() == 0) {
    const auto item = large.try_pop_for(long_time);
    ASSERT_TRUE(item);
    EXPECT_EQ(item->values.front(), 3);
    EXPECT_EQ(item->values.back(), 5002);
    EXPECT_EQ(small.try_pop_for(long_time), 'x');
  }
}

TEST_P(QueueOn, RefusesToHaveNoRoom) {
  EXPECT_THROW(Queue<int>(domain, 0), AgreedError);
  EXPECT_EQ(world.reduce_all(1, MPI_SUM), world.size());
}

INSTANTIATE_TEST_SUITE_P(Layouts, QueueOn, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
