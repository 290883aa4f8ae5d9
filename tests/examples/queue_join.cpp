// A list of jobs: put all in, wait until every one has been dealt with, then let the workers go: mpirun -np 4
// ./queue_join
#include <cstdio>
#include <string>
#include <thread>

#include <paceline/sync.hpp>

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::Queue<std::string> jobs(world, paceline::QueueRoom{.items = 16});
  paceline::Counter letters(world);
  std::jthread worker([&] {
    while (const auto job = jobs.pop()) {
      letters += std::ssize(*job);
      jobs.task_done();
    }
  });
  if (world.rank() == 0) {
    for (int i = 1; i <= 100; ++i) jobs.push(std::string(static_cast<std::size_t>(i), 'x'));
    jobs.join();
    std::printf("%ld\n", static_cast<long>(letters.load()));  // 5050
    jobs.close();
  }
}
