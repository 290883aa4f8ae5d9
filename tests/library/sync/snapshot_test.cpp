// The lessons' consistent snapshot: writers add to their own slot while an event is set; readers stop them, copy all
// slots and let them go on. With several readers at once the lesson's own version hangs: a writer that is late sees the
// event already cleared by the next reader and waits for it, while that reader waits for the writer at the barrier.
// Here readers take turns, and one turn ends only when all writers have gone on.
#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class Snapshot : public Layouts {
 protected:
  /// Writer of a slot: one step is two additions, which must never be seen apart.
  void write(std::int64_t slot) {
    while (finished.load() == 0) {
      if (!go.is_set()) {
        ASSERT_TRUE(stopped.arrive_and_wait_for(long_time));
        ASSERT_TRUE(go.wait_for(long_time));
        ASSERT_TRUE(gone_on.arrive_and_wait_for(long_time));
        // The next reader may be waiting already: it waits for this one step too.
      }
      const std::int64_t so_far = counts[slot];
      counts[slot] = so_far + 1;
      copies[slot] = so_far + 1;
    }
  }

  void read(int times) {
    std::vector<std::int64_t> before(static_cast<std::size_t>(counts.size()), 0);
    for (int i = 0; i < times; ++i) {
      const std::scoped_lock my_turn(turn);
      go.clear();
      ASSERT_TRUE(stopped.arrive_and_wait_for(long_time));
      const std::vector<std::int64_t> first(counts.span().begin(), counts.span().end());
      const std::vector<std::int64_t> second(copies.span().begin(), copies.span().end());
      EXPECT_EQ(first, second) << "no step is seen half done";
      for (std::size_t slot = 0; slot < first.size(); ++slot) EXPECT_GE(first[slot], before[slot]);
      before = first;
      std::this_thread::sleep_for(1ms);
      EXPECT_TRUE(std::equal(first.begin(), first.end(), counts.span().begin())) << "nobody writes meanwhile";
      if (readings_left.fetch_sub(1) == 1) finished.store(1);
      go.set();
      ASSERT_TRUE(gone_on.arrive_and_wait_for(long_time));
    }
  }

  int readings = std::max(2, 12 / world.size());  ///< of each reader
  int writers = all_threads();
  Mutex turn{domain, "turn"};
  Event go{domain, "go"};
  Barrier stopped{domain, writers + 1, "stopped"}, gone_on{domain, writers + 1, "gone on"};
  Counter readings_left{domain, std::int64_t{readings} * world.size()}, finished{domain};
  SharedArray<std::int64_t> counts{world, writers}, copies{world, writers};
};

TEST_P(Snapshot, IsConsistentWithSeveralReaders) {
  if (world.rank() == 0) go.set();
  world.barrier();
  // On each rank its writers, and one reader.
  on_threads(threads() + 1, [&](int thread) {
    if (thread == threads()) {
      read(readings);
    } else {
      write(std::int64_t{world.rank()} * threads() + thread);
    }
  });
  world.barrier();
  for (const auto count : counts.span()) EXPECT_GT(count, 0);
  world.barrier();
}

INSTANTIATE_TEST_SUITE_P(Layouts, Snapshot, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
