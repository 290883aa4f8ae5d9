// Deadlocks are told to all their members; what is none is never told.
#include <random>

#include "library/sync/deadlock.hpp"
#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class DeadlockOn : public Layouts {
 protected:
  /// The lock of each rank.
  std::vector<std::unique_ptr<Mutex>> locks() const {
    std::vector<std::unique_ptr<Mutex>> all;
    for (int i = 0; i < world.size(); ++i) all.push_back(std::make_unique<Mutex>(domain, fmt::format("lock {}", i)));
    return all;
  }
};

TEST_P(DeadlockOn, OfARingOfRanksIsToldToAll) {
  if (world.size() < 2) return;
  const auto all = locks();
  for (int round = 0; round < 3; ++round) {
    auto& mine = *all[static_cast<std::size_t>(world.rank())];
    const auto next = (world.rank() + 1) % world.size();
    mine.lock();
    world.barrier();
    const auto begin = std::chrono::steady_clock::now();
    const auto error = error_of([&] { all[static_cast<std::size_t>(next)]->lock(); });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s) << "the promise, with much room to spare";
    ASSERT_TRUE(error);
    EXPECT_TRUE(says(*error, "deadlock of ")) << error->what();
    for (int rank = 0; rank < world.size(); ++rank) {
      const auto edge = fmt::format("rank {} has mutex \"lock {}\" and waits for mutex \"lock {}\"", rank, rank,
                                    (rank + 1) % world.size());
      EXPECT_TRUE(says(*error, edge)) << error->what();
    }
    EXPECT_TRUE(says(*error, "std::scoped_lock"));
    mine.unlock();
    world.barrier();
  }
  // The locks are as good as new.
  for (const auto& lock : all) {
    EXPECT_TRUE(lock->try_lock_for(long_time));
    lock->unlock();
  }
}

TEST_P(DeadlockOn, OfThreadsOfOneRankIsToldToBoth) {
  Mutex a(domain, "a"), b(domain, "b");
  if (world.rank() == world.size() - 1) {
    std::atomic<int> ready = 0, told = 0;
    on_threads(2, [&](int thread) {
      auto& first = thread == 0 ? a : b;
      auto& second = thread == 0 ? b : a;
      const std::scoped_lock lock(first);
      for (++ready; ready < 2;) std::this_thread::yield();
      const auto error = error_of([&] { second.lock(); });
      ASSERT_TRUE(error);
      EXPECT_TRUE(says(*error, "thread 1")) << error->what();
      for (++told; told < 2;) std::this_thread::yield();
    });
  }
}

TEST_P(DeadlockOn, IsToldToItsMembersAlone) {
  if (world.size() < 3) return;
  // Ranks 0 and 1 have a deadlock; the others wait for one of its locks, and get it in the end.
  Mutex a(domain, "a"), b(domain, "b");
  Barrier ready(domain);
  if (world.rank() < 2) {
    auto& first = world.rank() == 0 ? a : b;
    auto& second = world.rank() == 0 ? b : a;
    first.lock();
    ready.arrive_and_wait();
    std::this_thread::sleep_for(50ms);
    const auto error = error_of([&] { second.lock(); });
    ASSERT_TRUE(error);
    EXPECT_TRUE(says(*error, "deadlock of rank 0 and rank 1") || says(*error, "deadlock of rank 1 and rank 0"));
    first.unlock();
  } else {
    ready.arrive_and_wait();
    EXPECT_FALSE(error_of([&] {
      a.lock();
      a.unlock();
    }));
  }
}

TEST_P(DeadlockOn, IsNoneWithATimeLimit) {
  if (world.size() < 2) return;
  Mutex a(domain, "a"), b(domain, "b");
  if (world.rank() == 0) a.lock();
  if (world.rank() == 1) b.lock();
  world.barrier();
  if (world.rank() == 0) {
    // Waits until the other gives up.
    b.lock();
    b.unlock();
    a.unlock();
  } else if (world.rank() == 1) {
    EXPECT_FALSE(a.try_lock_for(400ms));
    b.unlock();
  }
  world.barrier();
}

TEST_P(DeadlockOn, IsNoneWithScopedLocksInAnyOrder) {
  Mutex a(domain, "a"), b(domain, "b"), c(domain, "c");
  Counter counter(domain);
  const int each = scaled(10'000);
  on_threads(threads(), [&](int thread) {
    for (int i = 0; i < each; ++i) {
      switch ((i + thread + world.rank()) % 3) {
        case 0: {
          const std::scoped_lock lock(a, b, c);
          counter.store(counter.load() + 1);
          break;
        }
        case 1: {
          const std::scoped_lock lock(b, a);
          counter.store(counter.load() + 1);
          break;
        }
        default: {
          const std::scoped_lock lock(c, b);
          counter.store(counter.load() + 1);
        }
      }
    }
  });
  world.barrier();
  EXPECT_EQ(counter.load(), std::int64_t{each} * all_threads()) << "b was held by all";
}

TEST_P(DeadlockOn, IsNeverToldWithoutOne) {
  // Everybody takes several locks in the order of their numbers, for so long that those who wait look for a deadlock.
  std::vector<std::unique_ptr<Mutex>> all;
  for (int i = 0; i < 5; ++i) all.push_back(std::make_unique<Mutex>(domain, fmt::format("ordered {}", i)));
  world.barrier();
  on_threads(threads(), [&](int thread) {
    std::minstd_rand random(static_cast<unsigned>(1 + world.rank() * 10 + thread));
    for (const auto end = std::chrono::steady_clock::now() + 300ms; std::chrono::steady_clock::now() < end;) {
      std::vector<std::unique_lock<Mutex>> held;
      for (const auto& lock : all) {
        if (random() % 2 == 0) held.emplace_back(*lock);
      }
      if (random() % 8 == 0) std::this_thread::sleep_for(2ms);
    }
  });
}

TEST(Deadlock, IsNoneWhileALockIsHandedOver) {
  // unlock() names the new owner and then rings its bell. Who looks in between sees an agent that has what it wants.
  const auto world = Comm::world().duplicate();
  const Domain domain(world, DomainOptions{});
  Mutex mutex(domain, "handed over");  // state 0
  if (world.rank() == 0) {
    auto& core = *domain.core();
    const auto me = core.slot().agent;
    auto& agent = core.agent(me);
    auto& owner = static_cast<sync::MutexState&>(core.state(0)).owner;
    constexpr auto waiting = static_cast<std::uint32_t>(sync::Wake::waiting);
    agent.bell.word = waiting;
    agent.wants = 1;
    owner = (me + 1) | sync::MutexState::queued;
    sync::tell_of_deadlock(core, me);
    EXPECT_EQ(agent.bell.word, waiting);
    agent.wants = 0;
    agent.bell.word = static_cast<std::uint32_t>(sync::Wake::idle);
    owner = 0;
  }
  world.barrier();
  EXPECT_TRUE(mutex.try_lock_for(long_time));
  mutex.unlock();
}

TEST_P(DeadlockOn, IsToldAmongThoseThatAreNone) {
  // Any order, so that deadlocks come and go in all sizes. Each is told, nobody is left waiting, and what the locks
  // protect stays right.
  std::vector<std::unique_ptr<Mutex>> all;
  for (int i = 0; i < 4; ++i) all.push_back(std::make_unique<Mutex>(domain, fmt::format("any {}", i)));
  Counter inside[4] = {Counter(domain), Counter(domain), Counter(domain), Counter(domain)};
  Counter told(domain), total(domain);
  on_threads(threads(), [&](int thread) {
    std::minstd_rand random(static_cast<unsigned>(7 + world.rank() * 10 + thread));
    for (const auto end = std::chrono::steady_clock::now() + 300ms; std::chrono::steady_clock::now() < end;) {
      const auto first = random() % 4, second = (first + 1 + random() % 3) % 4;
      const std::scoped_lock one(*all[first]);
      EXPECT_EQ(inside[first].fetch_add(1), 0);
      if (random() % 4 == 0) std::this_thread::sleep_for(1ms);
      try {
        const std::scoped_lock two(*all[second]);
        EXPECT_EQ(inside[second].fetch_add(1), 0);
        inside[second].fetch_sub(1);
        total.fetch_add(1);
      } catch (const Error& error) {
        EXPECT_TRUE(says(error, "deadlock of ")) << error.what();
        told.fetch_add(1);
      }
      inside[first].fetch_sub(1);
    }
  });
  world.barrier();
  EXPECT_GT(total.load(), 0);
  if (all_threads() == 1) {
    EXPECT_EQ(told.load(), 0);
  }
  world.barrier();
}

INSTANTIATE_TEST_SUITE_P(Layouts, DeadlockOn, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
