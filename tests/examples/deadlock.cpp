// Two ranks take two locks in opposite order. Both are told at once, by an error: mpirun -np 2 ./deadlock
#include <algorithm>
#include <cstdio>
#include <mutex>

#include <paceline/sync.hpp>

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::Mutex left(world, "left"), right(world, "right");
  paceline::Barrier both(world, std::min(2, world.size()));
  if (world.rank() > 1) return 0;
  const bool is_first = world.rank() == 0;
  const std::scoped_lock mine(is_first ? left : right);
  both.arrive_and_wait();
  if (world.size() < 2) return 0;
  try {
    const std::scoped_lock other(is_first ? right : left);
  } catch (const paceline::Error& error) {
    if (is_first) std::printf("%s\n", error.what());  // deadlock of rank 0 ... has mutex "left" and waits for ...
  }
}
