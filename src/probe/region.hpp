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

struct Region {
  int threads = 0;
  int capacity = 0;  ///< of busy()
  State before = State::useful;
  Ticks begin = 0;
  Frame outer;  ///< of the thread that began it
  Region* next = nullptr;

  /// One a thread, written by it as it begins to wait. They lie behind the region.
  Ticks* busy() { return reinterpret_cast<Ticks*>(this + 1); }
};

/// The thread is about to begin a region of at most so many threads. Null where nothing is measured: in an MPI call, or
/// when there is no memory.
Region* open_region(Thread& thread, int most_threads);
/// The thread that opened it is back, and all others have told it how long they were busy.
void close_region(Thread& thread, Region& region);

/// The thread begins its part of the region.
void enter_region(Thread& thread, Region& region, int index, int threads);
/// It has ended its part, and now waits for the others. It may still run tasks.
void leave_region(Thread& thread, bool is_first);

void free_regions(Region* region);

/// Threads at once, in regions nested in each other too.
int peak_threads();
void clear_peak();

}  // namespace paceline::probe
