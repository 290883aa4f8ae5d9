// What bench/probe_run.py runs with the probe and without: the calls it stands before, in their cheapest form.
// Prints the name and the nanoseconds of each, on rank 0. Two ranks: MPI. One: OpenMP, on the threads of
// OMP_NUM_THREADS.
#include <mpi.h>
#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "host/clock.hpp"

namespace {

/// The fastest of several batches: what disturbs only adds.
double nanoseconds(int calls, const std::function<void()>& action) {
  std::vector<double> batches;
  for (int batch = 0; batch < 20; ++batch) {
    const paceline::Stopwatch watch;
    for (int i = 0; i < calls; ++i) action();
    batches.push_back(watch.seconds() * 1e9 / calls);
  }
  return *std::min_element(batches.begin(), batches.end());
}

void print(const char* name, double ns) { std::printf("%s %.2f\n", name, ns); }

void mpi_calls(int rank) {
  double data = 0;
  const auto ping_pong = nanoseconds(20000, [&] {
    if (rank == 0) MPI_Send(&data, 1, MPI_DOUBLE, 1, 0, MPI_COMM_WORLD);
    MPI_Recv(&data, 1, MPI_DOUBLE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 1) MPI_Send(&data, 1, MPI_DOUBLE, 0, 0, MPI_COMM_WORLD);
  });
  const auto allreduce = nanoseconds(20000, [&] {
    double sum = 0;
    MPI_Allreduce(&data, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  });
  MPI_Barrier(MPI_COMM_WORLD);
  const auto iprobe = nanoseconds(20000, [&] {
    int flag = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, 7, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
  });
  if (rank != 0) return;
  print("ping-pong", ping_pong);
  print("allreduce", allreduce);
  print("iprobe", iprobe);
}

void openmp_calls() {
  int x = 0;
  const auto region = nanoseconds(2000, [&] {
#pragma omp parallel
    asm volatile("" : : "r"(&x) : "memory");
  });
  double barrier = 0, critical = 0, task = 0;
  const int calls = 20000;
  barrier = nanoseconds(10, [&] {
#pragma omp parallel
    for (int i = 0; i < calls; ++i) {
#pragma omp barrier
    }
  });
  critical = nanoseconds(10, [&] {
#pragma omp parallel num_threads(1)
    for (int i = 0; i < calls; ++i) {
#pragma omp critical
      ++x;
    }
  });
  task = nanoseconds(10, [&] {
#pragma omp parallel num_threads(1)
    for (int i = 0; i < calls; ++i) {
#pragma omp task
      asm volatile("" : : "r"(&x) : "memory");
    }
  });
  print("region", region);
  print("barrier", barrier / calls);
  print("critical", critical / calls);
  print("task", task / calls);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks == 2) {
    mpi_calls(rank);
  } else {
    openmp_calls();
  }
  MPI_Finalize();
}
