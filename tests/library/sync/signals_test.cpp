// Semaphore, event, condition and barrier: what ranks tell each other.
#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class SemaphoreOn : public Layouts {};
class EventOn : public Layouts {};
class ConditionOn : public Layouts {};
class BarrierOn : public Layouts {};

TEST_P(SemaphoreOn, LetsInAsManyAsThereAreUnits) {
  Semaphore semaphore(domain, 3);
  Counter inside(domain), most(domain);
  const int each = scaled(20'000);
  on_threads(threads(), [&](int thread) {
    for (int i = 0; i < each; ++i) {
      switch ((i + thread) % 3) {
        case 0: semaphore.acquire(); break;
        case 1:
          if (!semaphore.try_acquire_for(100us)) continue;
          break;
        default:
          if (!semaphore.try_acquire()) continue;
      }
      most.fetch_max(inside.fetch_add(1) + 1);
      inside.fetch_sub(1);
      semaphore.release();
    }
  });
  world.barrier();
  EXPECT_GE(most.load(), 1);
  EXPECT_LE(most.load(), 3);
  // No unit is lost and none is new.
  if (world.rank() == 0) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(semaphore.try_acquire());
    EXPECT_FALSE(semaphore.try_acquire());
    EXPECT_FALSE(semaphore.try_acquire_until(std::chrono::steady_clock::now() + 5ms));
  }
  world.barrier();
}

TEST_P(SemaphoreOn, WakesAsManyAsItIsGiven) {
  Semaphore semaphore(domain, 0);
  if (world.rank() == 0) semaphore.release(all_threads());
  on_threads(threads(), [&](int /*thread*/) { EXPECT_TRUE(semaphore.try_acquire_for(long_time)); });
  world.barrier();
  EXPECT_FALSE(semaphore.try_acquire());
  EXPECT_TRUE(error_of([&] { semaphore.release(-1); }));
  EXPECT_THROW(Semaphore(domain, -1), AgreedError);
}

TEST_P(EventOn, HoldsBackUntilItIsSet) {
  Event event(domain);
  Counter done(domain);
  EXPECT_FALSE(event.is_set());
  EXPECT_FALSE(event.wait_for(0s));
  EXPECT_FALSE(event.wait_for(5ms));
  world.barrier();
  std::thread setter([&] {
    if (world.rank() != world.size() - 1) return;
    std::this_thread::sleep_for(20ms);
    done.store(1);
    event.set();
  });
  on_threads(threads(), [&](int /*thread*/) {
    EXPECT_TRUE(event.wait_for(long_time));
    EXPECT_EQ(done.load(), 1);
    EXPECT_TRUE(event.is_set());
  });
  setter.join();
  world.barrier();
  if (world.rank() == 0) event.clear();
  world.barrier();
  EXPECT_FALSE(event.is_set());
}

TEST_P(EventOn, LetsAllThroughThatWaitEvenIfClearedAtOnce) {
  Event go(domain);
  Counter about_to(domain);
  if (world.rank() == 0) {
    while (about_to.load() != world.size() - 1) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(300ms);  // then they wait
    go.set();
    go.clear();
  } else {
    about_to.fetch_add(1);
    EXPECT_TRUE(go.wait_for(long_time));
  }
  world.barrier();
  EXPECT_FALSE(go.is_set());
}

TEST_P(ConditionOn, PassesABallAround) {
  Mutex mutex(domain, "ball");
  Condition passed(domain);
  Value<std::int64_t> turn(domain);
  const int rounds = is_spread() ? 3 : 200;
  on_threads(threads(), [&](int thread) {
    const auto me = world.rank() * threads() + thread;
    for (int round = 0; round < rounds; ++round) {
      std::unique_lock lock(mutex);
      ASSERT_TRUE(passed.wait_for(lock, long_time, [&] { return turn.load() % all_threads() == me; }));
      EXPECT_EQ(turn.fetch_add(1), std::int64_t{round} * all_threads() + me);
      passed.notify_all();
    }
  });
  world.barrier();
  EXPECT_EQ(turn.load(), std::int64_t{rounds} * all_threads());
}

TEST_P(ConditionOn, WakesOneOrAll) {
  Mutex mutex(domain, "state");
  Condition changed(domain);
  Counter waiting(domain), woken(domain), allowed(domain);
  std::thread teller([&] {
    if (world.rank() != 0) return;
    const auto all = std::int64_t{all_threads()};
    const auto until = [&](Counter& counter, std::int64_t value) {
      while (counter.load() != value) std::this_thread::sleep_for(1ms);
    };
    until(waiting, all);
    {
      const std::scoped_lock lock(mutex);  // those who have said so wait, since they had the lock until they did
      allowed.fetch_add(1);
    }
    changed.notify_one();
    until(woken, 1);
    {
      const std::scoped_lock lock(mutex);
      allowed.fetch_add(all);
    }
    changed.notify_all();
    until(woken, all);
  });
  on_threads(threads(), [&](int /*thread*/) {
    std::unique_lock lock(mutex);
    waiting.fetch_add(1);
    changed.wait(lock, [&] { return allowed.load() > woken.load(); });
    woken.fetch_add(1);
  });
  teller.join();
}

TEST_P(ConditionOn, TimesOutWithTheLockTaken) {
  Mutex mutex(domain, "quiet");
  Condition never(domain);
  std::unique_lock lock(mutex);
  EXPECT_EQ(never.wait_for(lock, 5ms), std::cv_status::timeout);
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_FALSE(never.wait_for(lock, 5ms, [] { return false; }));
  EXPECT_TRUE(never.wait_until(lock, std::chrono::steady_clock::now(), [] { return true; }));
  EXPECT_TRUE(lock.owns_lock());
}

TEST_P(BarrierOn, LetsNobodyAhead) {
  Barrier barrier(domain, all_threads());
  Counter arrived(domain);
  const int rounds = std::max(3, scaled(20'000));
  on_threads(threads(), [&](int /*thread*/) {
    for (int round = 0; round < rounds; ++round) {
      arrived.fetch_add(1);
      barrier.arrive_and_wait();
      EXPECT_GE(arrived.load(), std::int64_t{round + 1} * all_threads());
      EXPECT_LE(arrived.load(), std::int64_t{round + 2} * all_threads());
    }
  });
}

TEST_P(BarrierOn, TakesBackAnArrivalThatIsLate) {
  Barrier barrier(domain);
  if (world.size() > 1) {
    if (world.rank() != 0) {
      EXPECT_FALSE(barrier.arrive_and_wait_for(10ms));
      EXPECT_FALSE(barrier.arrive_and_wait_for(0s));
    }
    world.barrier();
  }
  // All of them, this time: an arrival that was left behind would let some through early, and leave others behind.
  Counter arrived(domain);
  for (int round = 0; round < 3; ++round) {
    arrived.fetch_add(1);
    EXPECT_TRUE(barrier.arrive_and_wait_for(long_time));
    EXPECT_GE(arrived.load(), std::int64_t{round + 1} * world.size());
  }
}

TEST_P(BarrierOn, EndsARoundOrTakesItBackButNeverBoth) {
  Barrier barrier(domain);
  const int rounds = is_spread() ? 20 : 300;
  int passed = 0;
  // Times so short that it goes either way.
  for (int round = 0; round < rounds; ++round) {
    passed += barrier.arrive_and_wait_for(std::chrono::microseconds(1 + (round * 7 + world.rank()) % 60)) ? 1 : 0;
  }
  // Each round that ended let everybody through.
  EXPECT_EQ(world.reduce_all(passed, MPI_SUM) % world.size(), 0);
}

TEST_P(BarrierOn, RefusesAWrongNumber) {
  EXPECT_THROW(Barrier(domain, -2), AgreedError);
  world.barrier();
}

INSTANTIATE_TEST_SUITE_P(Layouts, SemaphoreOn, all_layouts(), name_of_layout);
INSTANTIATE_TEST_SUITE_P(Layouts, EventOn, all_layouts(), name_of_layout);
INSTANTIATE_TEST_SUITE_P(Layouts, ConditionOn, all_layouts(), name_of_layout);
INSTANTIATE_TEST_SUITE_P(Layouts, BarrierOn, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
