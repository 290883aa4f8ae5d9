// Queues of items of any size, join(), pipes, bounded semaphores and values of every arithmetic type.
#include <numeric>

#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class SyncMore : public Layouts {};

TEST_P(SyncMore, ItemsOfAnySizeComeThroughInOrder) {
  // Little room, so that the ring goes round and large items wait.
  Queue<std::string> queue(domain, QueueRoom{.items = 5, .bytes = 300});
  Counter bytes(domain), items(domain), producing(domain, world.size());
  const int count = is_spread() ? 30 : 300;
  std::jthread producer([&] {
    for (int i = 0; i < count; ++i) queue.push(std::string(static_cast<std::size_t>(i * 37 % 250), 'x'));
    if (producing.fetch_sub(1) == 1) queue.close();
  });
  while (const auto item = queue.pop()) {
    EXPECT_EQ(item->find_first_not_of('x'), std::string::npos);
    bytes += std::ssize(*item);
    ++items;
  }
  producer.join();
  world.barrier();
  std::int64_t expected = 0;
  for (int i = 0; i < count; ++i) expected += i * 37 % 250;
  EXPECT_EQ(items.load(), std::int64_t{count} * world.size());
  EXPECT_EQ(bytes.load(), expected * world.size());
  world.barrier();
  const auto error = error_of([&] { Queue<std::string>(domain, QueueRoom{.bytes = 8}); });
  ASSERT_TRUE(error);
  Queue<std::string> small(domain, QueueRoom{.bytes = 20}, "small");
  const auto too_large = error_of([&] { small.push(std::string(13, 'x')); });
  ASSERT_TRUE(too_large);
  EXPECT_TRUE(says(*too_large, "queue \"small\" can't hold an item of ")) << too_large->what();
  world.barrier();
}

TEST_P(SyncMore, JoinWaitsUntilEveryItemIsFinished) {
  Queue<int> queue(domain, 4);
  Counter finished(domain);
  const int count = 5;
  if (world.rank() == 0) queue.join();  // nothing was pushed
  world.barrier();
  std::jthread worker([&] {
    while (queue.pop()) {
      ++finished;
      queue.task_done();
    }
  });
  for (int i = 0; i < count; ++i) queue.push(i);
  world.barrier();
  queue.join();
  EXPECT_EQ(finished.load(), count * world.size());
  world.barrier();
  if (world.rank() == 0) {
    queue.push(1);
    EXPECT_TRUE(queue.join_for(long_time));
    queue.close();
  }
  worker.join();
  world.barrier();
  const auto error = error_of([&] { queue.task_done(); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(says(*error, "has no item to be finished")) << error->what();
  Queue<int> unfinished(domain, 4);
  if (world.rank() == 0) unfinished.push(1);
  world.barrier();
  EXPECT_FALSE(unfinished.join_for(5ms));
  world.barrier();
}

TEST_P(SyncMore, PipesTalkBothWays) {
  Pipe<std::vector<int>> pipe(domain);
  const int other = world.size() - 1;
  std::jthread answers([&] {
    if (world.rank() != other) return;
    const auto end = pipe.second();
    while (auto numbers = end.receive()) {
      numbers->push_back(std::accumulate(numbers->begin(), numbers->end(), 0));
      end.send(*numbers);
    }
    end.close();
  });
  if (world.rank() == 0) {
    const auto end = pipe.first();
    EXPECT_FALSE(end.poll());
    EXPECT_FALSE(end.receive_for(1ms));
    for (int i = 0; i < 5; ++i) end.send(std::vector<int>(static_cast<std::size_t>(i), i));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(end.receive()->back(), i * i);
    end.close();
    EXPECT_FALSE(end.receive());
  }
  answers.join();
  world.barrier();
}

TEST_P(SyncMore, BoundedSemaphoresTakeNoMoreBackThanTheyGave) {
  BoundedSemaphore semaphore(domain, 2, "pool");
  world.barrier();
  if (world.rank() == 0) {
    semaphore.acquire();
    const auto error = error_of([&] { semaphore.release(2); });
    ASSERT_TRUE(error);
    EXPECT_TRUE(says(*error, "semaphore \"pool\" was given 1 units too many")) << error->what();
    semaphore.release();
    EXPECT_TRUE(error_of([&] { semaphore.release(); }));
  }
  world.barrier();
}

template <class T>
void count_up(const Domain& domain, int ranks) {
  Value<T> value(domain, T{1});
  value.fetch_add(T{2});
  ++value;
  value++;
  value += T{3};
  --value;
  value -= T{1};
  domain.comm().barrier();
  EXPECT_EQ(value.load(), static_cast<T>(1 + 5 * ranks));
  T expected = T{99};
  EXPECT_FALSE(value.compare_exchange(expected, T{7}));
  EXPECT_EQ(expected, static_cast<T>(1 + 5 * ranks));
  domain.comm().barrier();
}

TEST_P(SyncMore, ValuesOfEveryArithmeticTypeCount) {
  const int ranks = world.size();
  count_up<std::int8_t>(domain, ranks);
  count_up<std::uint8_t>(domain, ranks);
  count_up<std::int16_t>(domain, ranks);
  count_up<std::uint16_t>(domain, ranks);
  count_up<int>(domain, ranks);
  count_up<unsigned>(domain, ranks);
  count_up<std::int64_t>(domain, ranks);
  count_up<std::uint64_t>(domain, ranks);
  count_up<float>(domain, ranks);
  count_up<double>(domain, ranks);
  // Negative, and of less than 8 bytes: nothing spills over.
  Value<std::int16_t> small(domain, 5);
  world.barrier();
  EXPECT_TRUE(world.rank() != 0 || (small -= 7) == -2);
  world.barrier();
  EXPECT_EQ(small.load(), -2);
  world.barrier();
}

TEST_P(SyncMore, ManyThreadsOfARankTakePart) {
  if (is_spread() || threads() != 1) return;
  Mutex mutex(domain, "crowded");
  int counted = 0;
  on_threads(100, [&](int /*thread*/) {
    const std::lock_guard lock(mutex);
    ++counted;
    std::this_thread::sleep_for(1ms);
  });
  EXPECT_EQ(counted, 100);
}

INSTANTIATE_TEST_SUITE_P(Layouts, SyncMore, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
