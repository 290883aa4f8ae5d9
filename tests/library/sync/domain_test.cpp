#include <paceline/domain.hpp>

#include <memory>

#include "library/sync/core.hpp"
#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class DomainOn : public Layouts {};

TEST(Domain, IsSharedByObjectsOfOneCommunicator) {
  const auto world = Comm::world().duplicate();
  std::weak_ptr<sync::Core> before;
  {
    const Domain one(world), same(world);
    const Comm other_comm = world.duplicate();
    const Domain other(other_comm);
    EXPECT_EQ(one.core(), same.core());
    EXPECT_NE(one.core(), other.core());
    const Domain own(world, DomainOptions{});
    EXPECT_NE(one.core(), own.core());
    before = one.core();
    // As users write it.
    Counter counter(world);
    Mutex mutex(world, "m");
    counter.fetch_add(1);
    world.barrier();
    EXPECT_EQ(counter.load(), world.size());
  }
  EXPECT_TRUE(before.expired()) << "it goes with the last that uses it";
  const Domain next(world);
  EXPECT_TRUE(next.is_home());
  EXPECT_EQ(next.comm().size(), world.size());
}

TEST_P(DomainOn, HasRoomForManyObjectsAndUsesItAgain) {
  // More at once than a block has room for, and many more one after the other.
  std::vector<std::unique_ptr<Counter>> many;
  const int count = is_spread() ? 10 : 1100;
  for (int i = 0; i < count; ++i) many.push_back(std::make_unique<Counter>(domain, i));
  for (int i = 0; i < count; i += 7) EXPECT_EQ(many[static_cast<std::size_t>(i)]->load(), i);
  world.barrier();
  many.clear();
  for (int i = 0; i < (is_spread() ? 5 : 50); ++i) {
    Counter counter(domain, i);
    Queue<int> queue(domain, 2);
    if (world.rank() == 0) counter.fetch_add(1);
    world.barrier();
    EXPECT_EQ(counter.load(), i + 1) << "nothing is left of what was there before";
    EXPECT_EQ(queue.size(), 0U);
    world.barrier();
  }
}

TEST_P(DomainOn, TellsOfRanksThatMakeDifferentThings) {
  if (world.size() < 2) return;
  const auto error = error_of([&] { Counter(domain, 0, world.rank() == 0 ? "this" : "that"); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(says(*error, "ranks make different shared objects")) << error->what();
  Counter counter(domain, 4);
  EXPECT_EQ(counter.load(), 4);
}

TEST(Domain, HasSlotsForSoManyThreads) {
  const auto world = Comm::world().duplicate();
  DomainOptions options;
  options.threads_per_rank = 2;
  const Domain domain(world, options);
  Semaphore semaphore(domain, 0);
  std::atomic<int> refused = 0;
  std::atomic<int> tried = 0;
  on_threads(4, [&](int /*thread*/) {
    if (const auto error = error_of([&] { static_cast<void>(semaphore.try_acquire()); })) {
      EXPECT_TRUE(says(*error, "DomainOptions::threads_per_rank")) << error->what();
      ++refused;
    }
    for (++tried; tried < 4;) std::this_thread::yield();
  });
  // This thread keeps its slot from making the domain or the semaphore, or takes one like the others.
  EXPECT_EQ(refused, 2);
  EXPECT_FALSE(error_of([&] { semaphore.release(); }));
  options.threads_per_rank = 0;
  EXPECT_THROW(Domain(world, options), AgreedError);
}

TEST_P(DomainOn, NamesAThreadThatEndedWithALock) {
  Mutex mutex(domain, "orphan");
  const int holder = world.size() - 1;
  if (world.rank() == holder) std::thread([&] { mutex.lock(); }).join();
  world.barrier();
  const auto error = error_of([&] { mutex.lock(); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(says(*error, "waits for mutex \"orphan\" in vain")) << error->what();
  EXPECT_TRUE(says(*error, fmt::format("rank {} on ", holder))) << error->what();
  EXPECT_TRUE(says(*error, "has ended that thread")) << error->what();
  EXPECT_FALSE(mutex.try_lock_for(1ms));
  world.barrier();  // else the holder destroys it, and that is what the others are told
}

TEST_P(DomainOn, NamesARankThatDestroysWhatItHasLocked) {
  if (world.size() < 2) return;
  auto mutex = std::make_unique<Mutex>(domain, "gone");
  Event other(domain);
  const int holder = world.size() - 1;
  if (world.rank() == holder) mutex->lock();
  world.barrier();
  if (world.rank() != holder) {
    const auto error = error_of([&] { mutex->lock(); });
    ASSERT_TRUE(error);
    EXPECT_TRUE(says(*error, fmt::format("rank {} on ", holder))) << error->what();
    EXPECT_TRUE(says(*error, "destroy")) << error->what();
  }
  mutex.reset();
}

TEST(Domain, GivesUpWhatAThreadLeftHalfChanged) {
  const auto world = Comm::world().duplicate();
  const Domain domain(world, DomainOptions{});
  Semaphore semaphore(domain, 1, "torn");  // state 0
  world.barrier();
  // Like a rank that dies in the few nanoseconds in which it changes a state: the kernel treats threads alike.
  if (world.rank() == 0) {
    std::thread([&] { domain.core()->state(0).mutex.lock(); }).join();
  }
  world.barrier();
  for (int i = 0; i < 2; ++i) {
    const auto error = error_of([&] { semaphore.acquire(); });
    ASSERT_TRUE(error);
    EXPECT_TRUE(says(*error, "semaphore \"torn\" is of no more use (a rank died while it changed it)"))
        << error->what();
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, DomainOn, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
