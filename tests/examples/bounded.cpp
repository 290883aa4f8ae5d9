// At most two at once, and no more given back than was taken: mpirun -np 4 ./bounded
#include <cstdio>
#include <thread>

#include <paceline/sync.hpp>

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::BoundedSemaphore licences(world, 2, "licences");
  paceline::Value<int> inside(world), most(world);
  for (int i = 0; i < 20; ++i) {
    licences.acquire();
    most.fetch_max(++inside);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --inside;
    licences.release();
  }
  world.barrier();
  if (world.rank() != 0) return 0;
  std::printf("never more than two: %d\n", most.load() <= 2);
  try {
    licences.release();
  } catch (const paceline::Error& error) {
    std::printf("%s\n", error.what());  // semaphore "licences" was given 1 units too many (at most 2 can be free)
  }
}
