// Question: what does an operation on shared state cost beside the raw MPI operation that would do for it?
//   value    fetch_add, alone and against the other rank      peer: MPI_Fetch_and_op and a flush
//   mutex    lock and unlock, alone and contended             peer: MPI_Win_lock (exclusive) and unlock
//   barrier  arrive_and_wait                                  peer: MPI_Barrier
//   queue    an 8-byte item there and back, half of it        peer: 8-byte MPI_Send and MPI_Recv, half of both ways
//   queue    items per second, one rank pushes, one pops
// with --multiple also value, mutex and barrier between nodes (each rank is taken for one), and what MPI's own
// operations cost with MPI_THREAD_MULTIPLE, which these need. Limit: at home no slower than its MPI peer.
// Run: mpirun -np 2 build/bench/sync_bench [--multiple]. Each figure is the median of 11 batches, in nanoseconds an
// operation (median_ns; best_ns where others use the machine too); every batch checks its answer.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <paceline/sync.hpp>

#include "run_benchmarks.hpp"

namespace {

using namespace paceline;
using Clock = std::chrono::steady_clock;

constexpr int batches = 11;

/// A batch does so many operations on this rank, and returns whether the answer was right.
using Batch = std::function<bool(int operations)>;

/// Ranks start each batch together, and the slower one's time counts. One that has nothing to do naps, so as not to
/// disturb.
void add(const Comm& world, const std::string& name, int operations, const Batch& batch, bool rank_0_alone = false) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 std::vector<double> times;
                                 for (auto _ : state) {
                                   world.barrier();
                                   const auto begin = Clock::now();
                                   const bool is_right = (rank_0_alone && world.rank() != 0) || batch(operations);
                                   const std::chrono::duration<double> mine = Clock::now() - begin;
                                   MPI_Request all_done = MPI_REQUEST_NULL;
                                   MPI_Ibarrier(world.handle(), &all_done);
                                   wait_quietly(all_done);
                                   const auto seconds = world.reduce_all(mine.count(), MPI_MAX);
                                   state.SetIterationTime(seconds);
                                   times.push_back(seconds * 1e9 / operations);
                                   if (!is_right) state.SkipWithError("wrong result");
                                 }
                                 std::sort(times.begin(), times.end());
                                 state.counters["median_ns"] = times[times.size() / 2];
                                 state.counters["best_ns"] = times.front();
                               })
      ->UseManualTime()
      ->Iterations(batches)
      ->Unit(benchmark::kMillisecond);
}

/// A window of one number on rank 0, for MPI's side.
class Window {
 public:
  explicit Window(const Comm& world) : world_(world) {
    MPI_Win_allocate(world.rank() == 0 ? 8 : 0, 8, MPI_INFO_NULL, world.handle(), &number_, &window_);
    if (world.rank() == 0) *number_ = 0;
    world.barrier();
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() { MPI_Win_free(&window_); }
  [[nodiscard]] MPI_Win handle() const { return window_; }

 private:
  Comm world_;
  MPI_Win window_ = MPI_WIN_NULL;
  std::int64_t* number_ = nullptr;
};

bool fetch_by_mpi(const Window& window, int operations) {
  const std::int64_t one = 1;
  std::int64_t before = -1, last = -1;
  bool grows = true;
  MPI_Win_lock_all(MPI_MODE_NOCHECK, window.handle());
  for (int i = 0; i < operations; ++i) {
    MPI_Fetch_and_op(&one, &before, MPI_INT64_T, 0, 0, MPI_SUM, window.handle());
    MPI_Win_flush(0, window.handle());
    grows = grows && before > last;
    last = before;
  }
  MPI_Win_unlock_all(window.handle());
  return grows;
}

bool lock_by_mpi(const Window& window, int operations) {
  for (int i = 0; i < operations; ++i) {
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, window.handle());
    MPI_Win_unlock(0, window.handle());
  }
  return true;
}

/// Shared state at one domain.
struct State {
  explicit State(const Domain& domain)
      : counter(domain),
        guarded(domain),
        mutex(domain, "mutex"),
        barrier(domain),
        there(domain, 64),
        back(domain, 64) {}
  Counter counter, guarded;
  Mutex mutex;
  Barrier barrier;
  Queue<std::int64_t> there, back;

  bool fetch(int operations) {
    std::int64_t last = -1;
    bool grows = true;
    for (int i = 0; i < operations; ++i) {
      const auto before = counter.fetch_add(1);
      grows = grows && before > last;
      last = before;
    }
    return grows;
  }
  bool lock(int operations) {
    for (int i = 0; i < operations; ++i) {
      mutex.lock();
      mutex.unlock();
    }
    return true;
  }
  bool meet(int operations) {
    for (int i = 0; i < operations; ++i) barrier.arrive_and_wait();
    return true;
  }
  /// Two ways are two operations.
  bool bounce(int rank, int operations) {
    bool is_right = true;
    for (std::int64_t i = 0; i < operations / 2; ++i) {
      if (rank == 0) {
        there.push(i);
        is_right = is_right && back.pop() == i;
      } else {
        back.push(*there.pop());
      }
    }
    return is_right;
  }
  bool stream(int rank, int operations) {
    bool is_right = true;
    for (std::int64_t i = 0; i < operations; ++i) {
      if (rank == 0) {
        there.push(i);
      } else {
        is_right = is_right && there.pop() == i;
      }
    }
    return is_right;
  }
};

bool bounce_by_mpi(const Comm& world, int operations) {
  bool is_right = true;
  for (std::int64_t i = 0; i < operations / 2; ++i) {
    std::int64_t item = i;
    if (world.rank() == 0) MPI_Send(&item, 8, MPI_BYTE, 1, 0, world.handle());
    MPI_Recv(&item, 8, MPI_BYTE, 1 - world.rank(), 0, world.handle(), MPI_STATUS_IGNORE);
    is_right = is_right && item == i;
    if (world.rank() == 1) MPI_Send(&item, 8, MPI_BYTE, 0, 0, world.handle());
  }
  return is_right;
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_multiple = argc > 1 && std::strcmp(argv[1], "--multiple") == 0;
  const MpiGuard mpi(argc, argv, is_multiple ? ThreadLevel::multiple : ThreadLevel::serialized);
  const auto world = Comm::world();
  if (world.size() != 2) {
    std::fprintf(stderr, "sync_bench: run it by mpirun -np 2\n");
    return 2;
  }
  const int rank = world.rank();
  const Window window(world);
  State here{Domain(world)};
  add(
      world, "value/alone", 100'000, [&](int n) { return here.fetch(n); }, true);
  add(
      world, "value/alone/MPI_Fetch_and_op", 100'000, [&](int n) { return fetch_by_mpi(window, n); }, true);
  add(world, "value/contended", 100'000, [&](int n) { return here.fetch(n); });
  add(world, "value/contended/MPI_Fetch_and_op", 100'000, [&](int n) { return fetch_by_mpi(window, n); });
  add(
      world, "mutex/alone", 100'000, [&](int n) { return here.lock(n); }, true);
  add(
      world, "mutex/alone/MPI_Win_lock", 10'000, [&](int n) { return lock_by_mpi(window, n); }, true);
  add(world, "mutex/contended", 10'000, [&](int n) { return here.lock(n); });
  add(world, "mutex/contended/MPI_Win_lock", 10'000, [&](int n) { return lock_by_mpi(window, n); });
  add(world, "barrier", 10'000, [&](int n) { return here.meet(n); });
  add(world, "barrier/MPI_Barrier", 10'000, [&](int n) {
    for (int i = 0; i < n; ++i) world.barrier();
    return true;
  });
  add(world, "queue/one_way", 10'000, [&](int n) { return here.bounce(rank, n); });
  add(world, "queue/one_way/MPI_Send_Recv", 10'000, [&](int n) { return bounce_by_mpi(world, n); });
  add(world, "queue/stream", 10'000, [&](int n) { return here.stream(rank, n); });
  std::optional<State> far;
  if (is_multiple) {
    far.emplace(Domain(world, *world.split(rank)));
    // Rank 1 asks, rank 0 does nothing but have the state.
    const auto from_afar = [&](const char* name, bool (State::*batch)(int)) {
      add(world, name, 500, [&far, rank, batch](int n) { return rank == 0 || ((*far).*batch)(n); });
    };
    from_afar("nodes/value", &State::fetch);
    from_afar("nodes/mutex", &State::lock);
    add(world, "nodes/barrier", 500, [&](int n) { return far->meet(n); });
  }
  if (is_multiple) {
    argv[1] = argv[0];
    ++argv;
    --argc;
  }
  return run_benchmarks_together(argc, argv, rank);
}
