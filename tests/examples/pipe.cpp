// A conversation between two ranks, in both directions: mpirun -np 2 ./pipe
#include <cstdio>
#include <string>
#include <thread>

#include <paceline/sync.hpp>

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  const auto world = paceline::Comm::world();
  paceline::Pipe<std::string> pipe(world);
  std::jthread other([&] {
    if (world.rank() != world.size() - 1) return;
    const auto end = pipe.second();
    while (const auto word = end.receive()) end.send(*word + " yourself");
    end.close();
  });
  if (world.rank() == 0) {
    const auto end = pipe.first();
    end.send("hello");
    std::printf("%s\n", end.receive()->c_str());  // hello yourself
    end.close();
  }
}
