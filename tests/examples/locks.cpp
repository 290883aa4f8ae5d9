// Shared state between ranks, under the standard library's names: mpirun -np 4 ./locks
#include <cstdio>
#include <mutex>

#include <paceline/sync.hpp>

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::Mutex accounts(world, "accounts"), journal(world, "journal");
  paceline::Value<long> total(world);
  for (int i = 0; i < 1000; ++i) {
    const std::scoped_lock both(accounts, journal);  // one after the other in two orders: an error that names them
    total.fetch_add(1);
  }
  world.barrier();
  if (world.rank() == 0) std::printf("%ld\n", total.load() / world.size());  // 1000
}
