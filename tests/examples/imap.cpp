// Endless inputs in bounded memory: no more than `window` of them are ahead of the loop.
#include <cstdio>
#include <ranges>

#include <paceline/pool.hpp>

bool is_prime(int n) {
  for (int i = 2; i * i <= n; ++i) {
    if (n % i == 0) return false;
  }
  return n > 1;
}

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (!pool.is_driver()) return 0;
  int n = 0, primes = 0;
  for (const bool prime : pool.imap<is_prime>(std::views::iota(0), {.window = 1000})) {
    if (prime && ++primes == 1000) break;
    ++n;
  }
  std::printf("%d\n", n);  // 7919
}
