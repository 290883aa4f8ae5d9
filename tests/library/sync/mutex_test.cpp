#include <paceline/mutex.hpp>

#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class MutexOn : public Layouts {};

/// Two loads and a store that lose updates unless somebody keeps others away.
void add_carelessly(Counter& counter, std::int64_t more) { counter.store(counter.load() + more); }

TEST_P(MutexOn, LosesNoUpdate) {
  Mutex mutex(domain, "updates");
  Counter counter(domain), inside(domain);
  const int each = scaled(1'000'000);
  on_threads(threads(), [&](int /*thread*/) {
    for (int i = 0; i < each; ++i) {
      const std::scoped_lock lock(mutex);
      if (i % 64 == 0) {
        EXPECT_EQ(inside.fetch_add(1), 0);
        inside.fetch_sub(1);
      }
      add_carelessly(counter, 1);
    }
  });
  world.barrier();
  EXPECT_EQ(counter.load(), std::int64_t{each} * all_threads());
}

TEST_P(MutexOn, LosesNoUpdateWithEveryWayToLock) {
  Mutex mutex(domain, "ways");
  Counter counter(domain), taken(domain);
  const int each = scaled(50'000);
  on_threads(threads(), [&](int thread) {
    for (int i = 0; i < each; ++i) {
      bool is_mine = true;
      switch ((i + thread) % 4) {
        case 0: mutex.lock(); break;
        case 1: is_mine = mutex.try_lock(); break;
        case 2: is_mine = mutex.try_lock_for(10us); break;
        default: is_mine = mutex.try_lock_until(std::chrono::system_clock::now() + 30us);
      }
      if (!is_mine) continue;
      add_carelessly(counter, 1);
      mutex.unlock();
      taken.fetch_add(1);
    }
  });
  world.barrier();
  EXPECT_EQ(counter.load(), taken.load());
  EXPECT_GE(taken.load(), (each + 3) / 4 * 1);
}

TEST_P(MutexOn, TimesOutWhileAnotherHasIt) {
  Mutex mutex(domain, "busy");
  if (world.rank() == 0) mutex.lock();
  world.barrier();
  if (world.rank() != 0) {
    EXPECT_FALSE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock_for(-1s));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(mutex.try_lock_for(30ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
    EXPECT_FALSE(mutex.try_lock_until(std::chrono::steady_clock::now() + 5ms));
  }
  world.barrier();
  if (world.rank() == 0) mutex.unlock();
  // Those who gave up have left the queue.
  EXPECT_TRUE(mutex.try_lock_for(long_time));
  mutex.unlock();
}

TEST_P(MutexOn, IsGivenInTheOrderOfAsking) {
  Mutex mutex(domain, "fair");
  Counter asked(domain), served(domain);
  if (world.rank() == 0) mutex.lock();
  world.barrier();
  // One after the other queues up; who is first in the queue is served first, though all wait at once.
  const auto ask = [&](std::int64_t turn) {
    while (asked.load() != turn) std::this_thread::sleep_for(1ms);
    std::thread next([&] {
      // By then the one before is in the queue: it takes microseconds, this is a thousand times that.
      std::this_thread::sleep_for(100ms);
      asked.fetch_add(1);
    });
    mutex.lock();
    EXPECT_EQ(served.fetch_add(1), turn);
    mutex.unlock();
    next.join();
  };
  if (world.rank() == 0) {
    while (asked.load() != world.size() - 1) std::this_thread::sleep_for(1ms);
    mutex.unlock();
  } else {
    ask(world.rank() - 1);
  }
  world.barrier();
  EXPECT_EQ(served.load(), world.size() - 1);
}

TEST_P(MutexOn, NobodyIsPassedOverForLong) {
  // All want it all the time. Among a thread's waits no other may come in more often than the queue allows.
  Mutex mutex(domain, "turns");
  Counter turns(domain);
  const int each = scaled(20'000);
  world.barrier();
  std::atomic<std::int64_t> longest = 0;
  on_threads(threads(), [&](int /*thread*/) {
    std::int64_t before = -1;
    for (int i = 0; i < each; ++i) {
      const std::scoped_lock lock(mutex);
      const auto now = turns.fetch_add(1);
      if (before >= 0) longest = std::max(longest.load(), now - before);
      before = now;
    }
  });
  // Loose, since a thread that is not scheduled does not ask: it is there to notice a lock that starves some.
  EXPECT_LE(longest, std::int64_t{each} * all_threads());
  world.barrier();
  EXPECT_EQ(turns.load(), std::int64_t{each} * all_threads());
}

TEST_P(MutexOn, TellsOfWrongUse) {
  Mutex mutex(domain, "own");
  if (world.rank() == world.size() - 1) {
    const auto unlocked = error_of([&] { mutex.unlock(); });
    ASSERT_TRUE(unlocked);
    EXPECT_TRUE(says(*unlocked, fmt::format("rank {} unlocks mutex \"own\" (it does not have it)", world.rank())))
        << unlocked->what();
    mutex.lock();
    const auto twice = fmt::format("deadlock of rank {} (it has mutex \"own\" and waits for it again)", world.rank());
    for (int way = 0; way < 3; ++way) {
      const auto error = error_of([&] {
        if (way == 0) mutex.lock();
        if (way == 1) static_cast<void>(mutex.try_lock());
        if (way == 2) static_cast<void>(mutex.try_lock_for(1h));
      });
      ASSERT_TRUE(error);
      EXPECT_TRUE(says(*error, twice)) << error->what();
    }
    // Another thread is another owner.
    std::thread([&] {
      EXPECT_FALSE(mutex.try_lock());
      EXPECT_TRUE(error_of([&] { mutex.unlock(); }));
    }).join();
    mutex.unlock();
  }
  world.barrier();
  EXPECT_TRUE(mutex.try_lock_for(long_time));
  mutex.unlock();
}

TEST_P(MutexOn, IsLockedByManyThreadsThatComeAndGo) {
  Mutex mutex(domain, "short lives");
  Counter counter(domain);
  // Far more threads than there are slots, but not at the same time.
  const int rounds = is_spread() ? 10 : 100;
  for (int round = 0; round < rounds; ++round) {
    std::thread([&] {
      const std::scoped_lock lock(mutex);
      add_carelessly(counter, 1);
    }).join();
  }
  world.barrier();
  EXPECT_EQ(counter.load(), std::int64_t{rounds} * world.size());
}

INSTANTIATE_TEST_SUITE_P(Layouts, MutexOn, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
