// Many produce, many consume, and nobody sends sentinels: mpirun -np 4 ./queue
#include <cstdio>
#include <thread>

#include <paceline/sync.hpp>

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::Queue<long> numbers(world, 16);  // push() waits while 16 are there
  paceline::Counter producing(world, world.size()), sum(world);
  {
    const std::jthread producer([&] {
      for (long i = world.rank(); i < 1000; i += world.size()) numbers.push(i);
      if (producing.fetch_sub(1) == 1) numbers.close();  // the last one
    });
    while (const auto number = numbers.pop()) sum.fetch_add(*number);
  }
  world.barrier();
  if (world.rank() == 0) std::printf("%ld\n", static_cast<long>(sum.load()));  // 499500
}
