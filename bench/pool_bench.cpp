// Question: what does a task cost in the pool, and how much of two ranks' time do short tasks get?
// Limits and peers, in turn with it: OpenMP's own tasks and oneTBB's task_group (where it is installed) on as many
// threads as the pool has in all; they move no arguments and no results between processes. Python's pools are in
// bench/pool_run.py. The efficiency of tasks of 100 microseconds is held against 1: their time over that of all
// threads. Every answer is checked.
// Run: OMP_NUM_THREADS=1 mpirun -np 2 --bind-to none build/bench/pool_bench
#include <benchmark/benchmark.h>
#include <omp.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <vector>

#include <paceline/pool.hpp>

#include "host/clock.hpp"
#include "run_benchmarks.hpp"

#ifdef PACELINE_HAS_TBB
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#endif

namespace {

using namespace paceline;

constexpr int singles = 100'000;
constexpr int many = 1'000'000;
constexpr double short_task_us = 100;

int same(int i) { return i; }

/// A task that computes for so long: by the clock, so that a core it shares is counted against the pool.
void spin(double microseconds) {
  for (const Stopwatch watch; watch.seconds() < microseconds * 1e-6;) {
  }
}

std::vector<int> numbers(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

void count_tasks(benchmark::State& state, std::int64_t tasks) {
  state.counters["tasks/s"] =
      benchmark::Counter(static_cast<double>(tasks * state.iterations()), benchmark::Counter::kIsRate);
}

void check(benchmark::State& state, std::int64_t sum, std::int64_t n) {
  if (sum != n * (n - 1) / 2) state.SkipWithError("a wrong answer");
}

void submit_one_by_one(benchmark::State& state, Pool& pool) {
  for (auto _ : state) {
    std::vector<Future<int>> futures;
    futures.reserve(singles);
    for (int i = 0; i < singles; ++i) futures.push_back(pool.submit<same>(i));
    std::int64_t sum = 0;
    for (auto& future : futures) sum += future.get();
    check(state, sum, singles);
  }
  count_tasks(state, singles);
}

/// There and back before the next: the time of one.
void submit_and_get(benchmark::State& state, Pool& pool) {
  for (auto _ : state) {
    for (int i = 0; i < 1000; ++i) benchmark::DoNotOptimize(pool.submit<same>(i).get());
  }
  count_tasks(state, 1000);
}

void map_empty(benchmark::State& state, Pool& pool) {
  const auto inputs = numbers(many);
  for (auto _ : state) {
    const auto results = pool.map<same>(inputs);
    check(state, std::accumulate(results.begin(), results.end(), std::int64_t{0}), many);
  }
  count_tasks(state, many);
}

void imap_empty(benchmark::State& state, Pool& pool) {
  for (auto _ : state) {
    std::int64_t sum = 0;
    for (const int result : pool.imap<same>(std::views::iota(0, many))) sum += result;
    check(state, sum, many);
  }
  count_tasks(state, many);
}

/// Counted: the share of all threads' time that the tasks got.
void add_efficiency(benchmark::State& state, int tasks, int threads, double seconds) {
  state.counters["efficiency"] =
      tasks * short_task_us * 1e-6 * static_cast<double>(state.iterations()) / (threads * seconds);
}

void map_short_tasks(benchmark::State& state, Pool& pool) {
  const std::vector<double> inputs(4000, short_task_us);
  const Stopwatch watch;
  for (auto _ : state) pool.map<spin>(inputs);
  add_efficiency(state, 4000, pool.workers(), watch.seconds());
}

void submit_short_tasks(benchmark::State& state, Pool& pool) {
  const Stopwatch watch;
  for (auto _ : state) {
    std::vector<Future<void>> futures;
    for (int i = 0; i < 4000; ++i) futures.push_back(pool.submit<spin>(short_task_us));
    for (auto& future : futures) future.get();
  }
  add_efficiency(state, 4000, pool.workers(), watch.seconds());
}

// The peers, with results kept where the tasks find them.

void openmp_tasks(benchmark::State& state, int threads) {
  std::vector<int> results(many);
  auto* const out = results.data();
  for (auto _ : state) {
#pragma omp parallel num_threads(threads)
#pragma omp single
    for (int i = 0; i < many; ++i) {
#pragma omp task firstprivate(i)
      out[i] = same(i);
    }
    check(state, std::accumulate(results.begin(), results.end(), std::int64_t{0}), many);
  }
  count_tasks(state, many);
}

/// What the machine gives two threads that spin by themselves: the limit of the efficiency on this day.
void openmp_short_tasks(benchmark::State& state, int threads) {
  const Stopwatch watch;
  for (auto _ : state) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int i = 0; i < 4000; ++i) spin(short_task_us);
  }
  add_efficiency(state, 4000, threads, watch.seconds());
}

#ifdef PACELINE_HAS_TBB
void tbb_task_group(benchmark::State& state, int threads) {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  std::vector<int> results(many);
  for (auto _ : state) {
    tbb::task_group group;
    for (int i = 0; i < many; ++i) {
      group.run([&results, i] { results[static_cast<std::size_t>(i)] = same(i); });
    }
    group.wait();
    check(state, std::accumulate(results.begin(), results.end(), std::int64_t{0}), many);
  }
  count_tasks(state, many);
}
#endif

void register_all(Pool& pool) {
  const auto with_pool = [&](const char* name, void (*body)(benchmark::State&, Pool&)) {
    benchmark::RegisterBenchmark(name, [&pool, body](benchmark::State& state) { body(state, pool); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  const auto peer = [&](const char* name, void (*body)(benchmark::State&, int)) {
    const int threads = pool.workers();
    benchmark::RegisterBenchmark(name, [threads, body](benchmark::State& state) { body(state, threads); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  with_pool("submit_one_by_one", submit_one_by_one);
  with_pool("submit_and_get", submit_and_get);
  with_pool("map_empty", map_empty);
  peer("peer/openmp_tasks", openmp_tasks);
#ifdef PACELINE_HAS_TBB
  peer("peer/tbb_task_group", tbb_task_group);
#endif
  with_pool("imap_empty", imap_empty);
  with_pool("map_tasks_of_100us", map_short_tasks);
  with_pool("submit_tasks_of_100us", submit_short_tasks);
  peer("limit/openmp_for_100us", openmp_short_tasks);
}

}  // namespace

int main(int argc, char** argv) {
  const MpiGuard mpi(argc, argv);
  Pool pool(Comm::world(), {.threads = 1});
  if (!pool.is_driver()) return 0;
  register_all(pool);
  return run_benchmarks(argc, argv);
}
