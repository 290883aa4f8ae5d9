// A program whose losses are dialled, and which keeps its own stamps of them, for tests of the probe: dial SCENARIO.
//
// Work is sleeping until a moment, so that a busy machine changes little. Each rank prints what it has done by its own
// stamps, in the terms of study/profile/process_record.hpp. With -DNO_MPI it has no MPI, without -fopenmp no OpenMP.
#ifndef NO_MPI
#include <mpi.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Makes everything so long that the moments in which a busy machine lets us wait are small beside it.
constexpr double scale = 3;

/// Seconds that it took.
double pass(double seconds) {
  const double begin = now();
  const double end = begin + scale * seconds;
  timespec until{};
  until.tv_sec = static_cast<time_t>(end);
  until.tv_nsec = static_cast<long>((end - static_cast<double>(until.tv_sec)) * 1e9);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
  return now() - begin;
}

struct Own {
  double begin = 0, useful = 0, mpi = 0, mpi_serial = 0, imbalance = 0, scheduling = 0;
  int threads = 1;
} own;

void serial_work(double seconds) { own.useful += pass(seconds); }

#ifndef NO_MPI
int rank = 0, ranks = 1;
template <class Call>
void mpi(const Call& call) {
  const double begin = now();
  call();
  own.mpi += now() - begin;
  own.mpi_serial += now() - begin;
}
void barrier() {
  mpi([] { MPI_Barrier(MPI_COMM_WORLD); });
}
#else
constexpr int rank = 0, ranks = 1;
#endif

#ifdef _OPENMP
/// A region of so many threads that is about to begin; what its threads do in it.
class Region {
 public:
  explicit Region(int threads, Region* outer = nullptr)
      : busy_(static_cast<std::size_t>(threads)), useful_(busy_), outer_(outer), begin_(now()) {}
  void work(double seconds) {
    const double took = pass(seconds);
    useful_[index()] += took;
    busy_[index()] += took;
  }
#ifndef NO_MPI
  /// By one thread alone.
  template <class Call>
  void call(const Call& call) {
    const double start = now();
    call();
    own.mpi += now() - start;
    busy_[index()] += now() - start;
  }
#endif
  void end() {
    const double wall = now() - begin_;
    const double n = static_cast<double>(busy_.size());
    const double most = *std::max_element(busy_.begin(), busy_.end());
    double sum = 0, useful = 0;
    for (std::size_t i = 0; i < busy_.size(); ++i) {
      sum += busy_[i];
      useful += useful_[i];
    }
    // Nested regions end at once.
#pragma omp critical(own)
    {
      own.useful += useful;
      own.imbalance += n * most - sum;
      own.scheduling += n * (wall - most);
    }
    if (outer_ != nullptr) outer_->busy_[outer_->index()] += wall;
  }

 private:
  std::size_t index() const { return static_cast<std::size_t>(omp_get_thread_num()); }
  std::vector<double> busy_, useful_;
  Region* outer_;
  double begin_;
};

constexpr int two = 2;

void unequal_threads() {
  own.threads = two;
  serial_work(0.1);
  Region region(two);
#pragma omp parallel num_threads(two)
  region.work(0.1 * (1 + omp_get_thread_num()));
  region.end();
}

void loop(bool is_dynamic) {
  own.threads = two;
  Region region(two);
  if (is_dynamic) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(two)
    for (int i = 0; i < 8; ++i) region.work(i == 0 ? 0.15 : 0.03);
  } else {
#pragma omp parallel for schedule(static) num_threads(two)
    for (int i = 0; i < 8; ++i) region.work(i < 4 ? 0.05 : 0.02);
  }
  region.end();
  serial_work(0.05);
}

void sections() {
  own.threads = two;
  Region region(two);
#pragma omp parallel sections num_threads(two)
  {
#pragma omp section
    region.work(0.2);
#pragma omp section
    region.work(0.1);
  }
  region.end();
}

void phases() {
  own.threads = two;
  Region region(two);
#pragma omp parallel num_threads(two)
  {
    region.work(omp_get_thread_num() == 0 ? 0.05 : 0.1);
#pragma omp barrier
    region.work(omp_get_thread_num() == 0 ? 0.1 : 0.05);
#pragma omp single
    region.work(0.05);
#pragma omp for
    for (int i = 0; i < 2; ++i) region.work(0.05);
  }
  region.end();
}

/// Waited for in place, or where the region ends.
void tasks(bool are_awaited) {
  own.threads = two;
  Region region(two);
#pragma omp parallel num_threads(two)
#pragma omp single nowait
  {
    for (int i = 0; i < 5; ++i) {
#pragma omp task firstprivate(i) shared(region)
      region.work(i == 0 ? 0.16 : 0.04);
    }
    if (are_awaited) {
#pragma omp taskwait
      region.work(0.05);
    }
  }
  region.end();
}

void task_loop() {
  own.threads = two;
  Region region(two);
  int sum = 0;
  std::vector<int> copied(1, 7);  // a firstprivate object has a copying function
#pragma omp parallel num_threads(two)
#pragma omp single
#pragma omp taskloop grainsize(1) firstprivate(copied) reduction(+ : sum)
  for (int i = 0; i < 5; ++i) {
    region.work(0.04);
    sum += copied[0] * i;
  }
  region.end();
  if (sum != 70) std::printf("wrong sum %d\n", sum);
}

void critical() {
  own.threads = two;
  Region region(two);
#pragma omp parallel num_threads(two)
  for (int i = 0; i < 3; ++i) {
#pragma omp critical
    region.work(0.05);
    region.work(0.01);
  }
  region.end();
}

void locks() {
  own.threads = two;
  omp_lock_t lock;
  omp_nest_lock_t nest;
  omp_init_lock(&lock);
  omp_init_nest_lock(&nest);
  Region region(two);
#pragma omp parallel num_threads(two)
  for (int i = 0; i < 3; ++i) {
    omp_set_lock(&lock);
    region.work(0.04);
    omp_unset_lock(&lock);
    omp_set_nest_lock(&nest);
    region.work(0.02);
    omp_unset_nest_lock(&nest);
  }
  region.end();
}

void nested() {
  own.threads = 4;
  omp_set_max_active_levels(2);
  Region outer(two);
#pragma omp parallel num_threads(two)
  {
    const int me = omp_get_thread_num();
    outer.work(0.05);
    Region inner(two, &outer);
#pragma omp parallel num_threads(two)
    inner.work(0.05 * (1 + me) * (1 + omp_get_thread_num()));
    inner.end();
  }
  outer.end();
}

void ordered() {
  own.threads = two;
  Region region(two);
#pragma omp parallel for ordered schedule(static, 1) num_threads(two)
  for (int i = 0; i < 6; ++i) {
    region.work(0.01);
#pragma omp ordered
    region.work(0.04);
  }
  region.end();
}
#endif

#ifndef NO_MPI
void unequal_ranks() {
  serial_work(0.1 * (1 + rank));
  barrier();
  serial_work(0.1);
  barrier();
}

void transfer() {
  // The other rank receives late and sends late: waiting for messages is communication.
  std::vector<double> data(1000, rank);
  for (int i = 0; i < 3; ++i) {
    if (rank == i % 2) {
      serial_work(0.1);
      mpi([&] { MPI_Send(data.data(), 1000, MPI_DOUBLE, 1 - rank, 0, MPI_COMM_WORLD); });
    } else {
      mpi([&] { MPI_Recv(data.data(), 1000, MPI_DOUBLE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE); });
    }
  }
  mpi([&] { MPI_Allreduce(MPI_IN_PLACE, data.data(), 1000, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD); });
}

#ifdef _OPENMP
/// Serial parts, threads and ranks unequal, MPI outside of a region and by one thread inside.
void hybrid() {
  own.threads = two;
  for (int i = 0; i < 2; ++i) {
    serial_work(0.03);
    Region region(two);
#pragma omp parallel num_threads(two)
    {
      region.work(0.05 * (1 + omp_get_thread_num() + rank));
#pragma omp master
      region.call([] { MPI_Barrier(MPI_COMM_WORLD); });
    }
    region.end();
    serial_work(0.05 * rank);
    barrier();
  }
}
#endif
#endif

struct Scenario {
  const char* name;
  std::function<void()> run;
};
const std::vector<Scenario> scenarios = {
#ifdef _OPENMP
    {"threads", unequal_threads},
    {"static", [] { loop(false); }},
    {"dynamic", [] { loop(true); }},
    {"sections", sections},
    {"phases", phases},
    {"tasks", [] { tasks(true); }},
    {"tasks-left", [] { tasks(false); }},
    {"taskloop", task_loop},
    {"critical", critical},
    {"locks", locks},
    {"nested", nested},
    {"ordered", ordered},
#ifndef NO_MPI
    {"hybrid", hybrid},
#endif
#endif
#ifndef NO_MPI
    {"ranks", unequal_ranks},
    {"transfer", transfer},
#endif
};

}  // namespace

int main(int argc, char** argv) {
#ifndef NO_MPI
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
#endif
  const auto found = std::find_if(scenarios.begin(), scenarios.end(),
                                  [&](const Scenario& s) { return argc > 1 && std::strcmp(argv[1], s.name) == 0; });
  if (found == scenarios.end()) return 2;
  own.begin = now();
#ifdef _OPENMP
  // LLVM's runtime starts with its first region, before it tells of one.
#pragma omp parallel num_threads(two)
  omp_get_thread_num();
  own.useful += now() - own.begin;
#endif
  found->run();
  const double elapsed = now() - own.begin;
  std::printf(
      "dial {\"rank\": %d, \"ranks\": %d, \"threads\": %d, \"elapsed\": %.6f, \"useful\": %.6f, \"mpi\": %.6f, "
      "\"mpi_serial\": %.6f, \"imbalance\": %.6f, \"scheduling\": %.6f}\n",
      rank, ranks, own.threads, elapsed, own.useful, own.mpi, own.mpi_serial, own.imbalance, own.scheduling);
  std::fflush(stdout);
#ifndef NO_MPI
  MPI_Finalize();
#endif
  return 0;
}
