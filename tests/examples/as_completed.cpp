// Many futures, each dealt with as soon as it is ready.
#include <cstdio>
#include <vector>

#include <paceline/pool.hpp>

long sum_to(long n) {
  long sum = 0;
  for (long i = 0; i <= n; ++i) sum += i;
  return sum;
}

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (!pool.is_driver()) return 0;
  std::vector<paceline::Future<long>> futures;
  for (long n = 1; n <= 10; ++n) futures.push_back(pool.submit<sum_to>(n));
  std::printf("%d ready first\n", futures[static_cast<std::size_t>(paceline::wait_any(futures))].ready());
  long all = 0;
  for (auto& future : paceline::as_completed(futures, 1min)) all += future.get();
  pool.finish();              // nothing that was submitted is left
  std::printf("%ld\n", all);  // 220
}
