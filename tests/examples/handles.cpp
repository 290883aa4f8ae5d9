// Locks, queues and values as arguments of tasks: each task has the one of its own rank, so no globals are needed.
#include <cstdio>
#include <mutex>

#include <paceline/pool.hpp>
#include <paceline/sync.hpp>

void deposit(int amount, paceline::Mutex& account, paceline::Value<long>& balance) {
  const std::scoped_lock lock(account);
  balance.store(balance.load() + amount);
}

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::Mutex account(world, "account");
  paceline::Value<long> balance(world);
  paceline::Pool pool(world);
  if (!pool.is_driver()) return 0;
  for (int i = 1; i <= 100; ++i) pool.submit<deposit>(i, account, balance);
  pool.finish();
  std::printf("%ld\n", balance.load());  // 5050
}
