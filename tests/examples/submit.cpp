// Single calls, with futures for what is not there yet.
#include <cstdio>
#include <string>

#include <paceline/pool.hpp>

long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
std::string repeated(const std::string& text, int times) { return times == 0 ? "" : text + repeated(text, times - 1); }

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (!pool.is_driver()) return 0;
  auto number = pool.submit<fib>(27);
  auto text = pool.submit<repeated>("ab", 3);
  auto next = number.then([](paceline::Future<long> done) { return done.get() + 1; });
  std::printf("%s %ld\n", text.get().c_str(), next.get());  // ababab 196419
}
