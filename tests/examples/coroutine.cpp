// One task after another, without callbacks: co_await waits for a task, and blocks no thread meanwhile.
#include <cstdio>

#include <paceline/pool.hpp>

long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

paceline::Future<long> chain(paceline::Pool& pool, int from) {
  const long first = co_await pool.submit<fib>(from);
  const long second = co_await pool.submit<fib>(static_cast<int>(first));
  co_return first + second;
}

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (pool.is_driver()) std::printf("%ld\n", chain(pool, 8).get());  // fib(8) = 21, fib(21) = 10946: 10967
}
