// A parallel region: who was busy in it for how long, and what that says of balance and scheduling.
//
// Of a region with n threads, thread j busy (useful or in MPI) for b_j, and its wall time w on the thread that began
// it:
//   L = n max(b) - sum(b)   lost by imbalance
//   S = n (w - max(b))      lost by beginning, ending, scheduling and locks, which keep the busiest thread too
// L + S is all the time in which its threads wait. A region nested in another counts its own waiting alone: to the
// outer one, the thread that began it is busy. These are the OpenMP factors of POP's hybrid model (Wagner et al., "A
// structured approach to performance analysis", 2017; https://pop-coe.eu/node/69), as TALP has them.
#pragma once

#include "probe/thread.hpp"

namespace paceline::probe {

/// Where the members of a region tell how long they were busy. Each member has a cache line of its own, with a place
/// for each of the last few regions, so that a short region doesn't wait for lines to go from core to core.
struct Places {
  static constexpr int per_line = 8;
  Ticks* first = nullptr;  ///< of member 0
  int members = 0;

  /// Of the member; null where there are more members than was asked for.
  [[nodiscard]] Ticks* of(int member) const { return member < members ? first + member * per_line : nullptr; }
};

/// What the members of a region read as they begin: a line that stays in the caches of all cores while it does not
/// change.
struct alignas(64) Entry {
  void* first_word = nullptr;  ///< of the data, for libgomp: reductions of the region
  void (*function)(void*) = nullptr;
  void* data = nullptr;
  Region* region = nullptr;
  Places places;
};

/// Used again for later regions of the thread that began it. Members read and write places alone.
struct alignas(64) Region {
  int threads = 0;
  State before = State::useful;
  bool is_open = false;
  Ticks begin = 0;
  Frame outer;  ///< of the thread that began it
  Region* next = nullptr;
  Ticks* lines = nullptr;  ///< behind it
  int capacity = 0;        ///< members that have a line

  // What the thread has not added up yet: of use i, in place i of each line, `first_use` <= i < `uses`.
  int first_use = 0, uses = 0;
  int threads_of[Places::per_line] = {};
  Ticks wall_of[Places::per_line] = {};

  // Programs repeat a few regions, so an entry is mostly there from some uses ago and need not be written again: each
  // line that one core writes and others read costs an empty region a tenth of its time.
  static constexpr int entries_per_use = 4;
  Entry entries[Places::per_line][entries_per_use];

  [[nodiscard]] Places places() const { return {lines + uses, capacity}; }
  /// For this use.
  Entry& entry(void (*function)(void*), void* data);
};

/// The thread is about to begin a region of at most so many threads. Null where nothing is measured: in an MPI call, or
/// when there is no memory.
Region* open_region(Thread& thread, int most_threads);
/// The thread that opened it is back, and all others have told it how long they were busy.
void close_region(Thread& thread, Region& region);

/// The first thread begins its part of the region, which has so many threads.
void enter_region(Thread& thread, Region& region, int threads);
/// Another thread begins its part.
void join_region(Thread& thread, Places places, int index);
/// It has ended its part, and now waits for the others. It may still run tasks.
void leave_region(Thread& thread, bool is_first);

/// Adds up what regions of the thread have told since the last time.
void settle_regions(Thread& thread);
/// Forgets it.
void clear_regions(Thread& thread);
void free_regions(Thread& thread);

/// Threads at once, in regions nested in each other too.
int peak_threads();
void clear_peak();

}  // namespace paceline::probe
