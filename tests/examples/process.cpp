// Of a single task what one does with a process: is it alive, wait for it for a while, end it.
#include <cstdio>
#include <thread>

#include <paceline/pool.hpp>

int works(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return milliseconds;
}

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (!pool.is_driver()) return 0;
  auto quick = pool.submit<works>(1), stuck = pool.submit<works>(3'600'000);
  std::printf("quick is done: %d\n", quick.wait_for(1min));
  const bool is_alive = !stuck.wait_for(50ms);  // join with a time-out
  std::printf("stuck is alive: %d\n", is_alive);
  stuck.terminate();
  try {
    stuck.get();
  } catch (const paceline::TaskError& error) {
    std::printf("terminated: %d\n", error.failure() != paceline::TaskFailure::threw);
  }
}
