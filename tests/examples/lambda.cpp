// Function objects as tasks: lambdas that capture numbers, and structs whose members travel with the tasks.
#include <cstdio>
#include <string>
#include <vector>

#include <paceline/pool.hpp>

struct Greeting {
  std::string word;
  std::string operator()(const std::string& name) const { return word + ", " + name; }
};

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (!pool.is_driver()) return 0;
  const double factor = 2.5;
  const auto scaled = pool.map([factor](int x) { return factor * x; }, std::vector{1, 2, 3});
  std::printf("%g %s\n", scaled[2], pool.submit(Greeting{"Hello"}, "world").get().c_str());  // 7.5 Hello, world
}
