#include <cstdio>

#include <paceline/pool.hpp>

static int twice(int x) { return 2 * x; }

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv);
  paceline::Pool pool(paceline::Comm::world());
  if (pool.is_driver()) std::printf("%d\n", pool.submit<twice>(21).get());
}
