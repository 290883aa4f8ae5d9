// What a task throws comes out of get(), and so does a task that does not return.
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include <paceline/pool.hpp>

double root(double x) {
  if (x < 0) throw std::domain_error("negative");
  if (x > 1e6) std::this_thread::sleep_for(std::chrono::hours(1));
  return std::sqrt(x);
}

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world(), {.task_s = 0.5});
  if (!pool.is_driver()) return 0;
  auto roots = pool.imap<root>(std::vector{4.0, -1.0, 1e7, 9.0});
  for (auto it = roots.begin(); it != roots.end(); ++it) {
    try {
      std::printf("%g\n", *it);
    } catch (const paceline::TaskError& error) {
      std::printf("%s\n", error.what());  // task 1 failed on rank 0 on node7 (negative)
    }
  }
}
