// A function of many inputs, over all cores of all nodes: mpirun -np 4 ./map
#include <cstdio>

#include <paceline/pool.hpp>

long squares(long n) {
  long sum = 0;
  for (long i = 0; i < n; ++i) sum += i * i;
  return sum;
}

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (pool.is_driver()) {
    const auto sums = pool.map<squares>(std::vector<long>{1000, 2000, 3000});
    std::printf("%ld\n", sums[1]);  // 2664667000
  }
}
