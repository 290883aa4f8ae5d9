#include "probe/process.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>

#include "probe/original.hpp"
#include "probe/record.hpp"
#include "probe/region.hpp"

namespace paceline::probe {
namespace {

struct Process {
  pid_t pid = 0;
  int rank = -1;
  int ranks = 0;
  bool uses_mpi = false;
  std::atomic<bool> uses_openmp = false;
  std::atomic<bool> is_written = false;
  Ticks loaded = 0, begin = 0;
  std::uint64_t loaded_ns = 0, begin_cpu_ns = 0;
};
constinit Process process;

void start_clock() {
  process.begin = ticks();
  process.begin_cpu_ns = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
}

/// The child of a fork is a process of its own, and has used nothing so far.
void begin_child() {
  forget_other_threads();
  process.pid = getpid();
  process.rank = -1;
  process.ranks = 0;
  process.uses_mpi = false;
  process.uses_openmp = false;
  process.is_written = false;
  start_clock();
}

__attribute__((constructor)) void load() {
  find_counter();
  process.pid = getpid();
  process.loaded = ticks();
  process.loaded_ns = nanoseconds(CLOCK_MONOTONIC);
  start_clock();
  note_processors();
  make_thread_key();
  self().become_useful(process.begin);
  pthread_atfork(nullptr, nullptr, begin_child);
}

__attribute__((destructor)) void unload() { finish(false); }

}  // namespace

void note_openmp() {
  if (!process.uses_openmp.load(std::memory_order_relaxed)) process.uses_openmp = true;
}

void begin_ranks(int rank, int ranks) {
  process.rank = rank;
  process.ranks = ranks;
  process.uses_mpi = true;
  // MPI_Init may have bound the process.
  if (!process.uses_openmp) note_processors();
  process.uses_openmp = false;
  clear_threads();
  clear_peak();
  start_clock();
}

void finish(bool is_finalized) {
  if (!process.uses_mpi && !process.uses_openmp) return;
  // After vfork a child ends in the memory of its parent.
  if (getpid() != process.pid || process.is_written.exchange(true)) return;
  const auto now = ticks();
  const auto now_ns = nanoseconds(CLOCK_MONOTONIC);
  Record record;
  record.rank = process.rank;
  record.ranks = process.ranks;
  record.uses_mpi = process.uses_mpi;
  record.uses_openmp = process.uses_openmp;
  record.is_finalized = is_finalized;
  record.threads = peak_threads();
  record.elapsed = now - process.begin;
  record.cpu_ns = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - process.begin_cpu_ns;
  record.totals = sum_of_threads(now);
  record.ns_per_tick = static_cast<double>(now_ns - process.loaded_ns) / static_cast<double>(now - process.loaded);
  write(record);
}

PACELINE_EXPORT [[noreturn]] void _exit(int code) {
  static constinit Original original{"_exit"};
  finish(false);
  original(static_cast<Word>(code));
  __builtin_unreachable();
}
PACELINE_EXPORT [[noreturn]] void _Exit(int code) { _exit(code); }

}  // namespace paceline::probe
