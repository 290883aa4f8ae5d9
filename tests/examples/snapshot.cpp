// A consistent snapshot of what all ranks are writing: an event stops the writers, barriers say when all have stopped
// and when all have gone on. Both are needed for the next snapshot not to meet a writer that is late from this one.
#include <cstdio>
#include <thread>

#include <paceline/sync.hpp>

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::SharedArray<long> slots(world, 2 * world.size());  // one copy a node, with a slot for each of its ranks
  paceline::Event go(world);
  paceline::Barrier stopped(world, world.size() + 1), gone_on(world, world.size() + 1);
  paceline::Counter finished(world);
  if (world.rank() == 0) go.set();
  world.barrier();

  std::jthread writer([&] {
    while (finished.load() == 0) {
      if (!go.is_set()) {
        stopped.arrive_and_wait();
        go.wait();
        gone_on.arrive_and_wait();
      }
      const auto mine = slots.span().subspan(2 * static_cast<std::size_t>(slots.node().rank()), 2);
      ++mine[0];
      ++mine[1];
    }
  });
  int half_done = 0;
  if (world.rank() == 0) {
    for (int i = 0; i < 10; ++i) {
      go.clear();
      stopped.arrive_and_wait();
      for (int rank = 0; rank < slots.node().size(); ++rank) half_done += slots[2 * rank] != slots[2 * rank + 1];
      if (i == 9) finished.store(1);
      go.set();
      gone_on.arrive_and_wait();
    }
    std::printf("10 snapshots, %d half done\n", half_done);  // 0
  }
}
