// What one thread does at the moment, and for how long it has done what: the state machine that every entry point
// drives.
#pragma once

#include "probe/clock.hpp"

namespace paceline::probe {

struct Region;

enum class State : std::uint8_t {
  unknown,  ///< not seen before
  outside,  ///< in no parallel region: a worker that waits for the next one, or a thread that the program made itself
  useful,
  mpi,
  waiting,  ///< in OpenMP's runtime
};

/// Classes of MPI calls. `told`: no call, but waiting for other ranks that the program tells.
enum class Class : std::uint8_t { point_to_point, collective, one_sided, io, told };
constexpr int classes = 5;

struct ClassTotals {
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;  ///< that this process sent, put, got or wrote, as far as its own arguments say
  Ticks ticks = 0;
};

/// What is added up, of a thread or of a process.
struct Totals {
  Ticks useful = 0;
  Ticks mpi = 0;
  Ticks mpi_serial = 0;  ///< of mpi: outside parallel regions
  Ticks imbalance = 0;   ///< of all regions, L in region.hpp
  Ticks scheduling = 0;  ///< S
  std::uint64_t regions = 0;
  ClassTotals by_class[classes];

  void add(const Totals& other);
};

/// A thread's part in the innermost parallel region it is in.
struct Frame {
  Ticks* busy_of_member = nullptr;  ///< where the region reads `busy` when it ends; null: in no region
  Ticks since = 0;                  ///< it is busy since then
  Ticks busy = 0;                   ///< useful or in MPI so far, regions nested in this one included
};

struct Thread {
  State state = State::unknown;
  bool tells_wait = false;  ///< it is in MPI because the program says so
  Ticks since = 0;
  Totals totals;
  Frame frame;
  Region* regions = nullptr;  ///< that it has begun, to be used again
  Thread* next = nullptr;     ///< of all that are known
  Thread* previous = nullptr;

  /// useful -> state.
  void leave_useful(State now_in, Ticks now) {
    totals.useful += now - since;
    since = now;
    state = now_in;
  }
  void become_useful(Ticks now) {
    since = now;
    state = State::useful;
  }
  /// mpi -> useful; gives how long it was in MPI.
  Ticks leave_mpi() {
    const auto now = ticks();
    const auto took = now - since;
    become_useful(now);
    totals.mpi += took;
    if (frame.busy_of_member == nullptr) totals.mpi_serial += took;
    return took;
  }
  /// useful -> waiting or outside; tells the region.
  void pause(State now_in) {
    const auto now = ticks();
    leave_useful(now_in, now);
    frame.busy += now - frame.since;
    if (frame.busy_of_member != nullptr) *frame.busy_of_member = frame.busy;
  }
  /// Touches nothing of the region, which may be over already where LLVM's runtime tells late.
  void resume() {
    const auto now = ticks();
    become_useful(now);
    frame.since = now;
  }
};

extern thread_local constinit Thread this_thread;

/// Makes the thread one of those that are added up.
void enlist(Thread& thread);

inline Thread& self() {
  auto& thread = this_thread;
  if (thread.state == State::unknown) [[unlikely]] {
    enlist(thread);
  }
  return thread;
}

/// Of all threads, those that have ended too, up to now.
Totals sum_of_threads(Ticks now);
/// Forgets all that was added up. From now on this thread is the one that works outside of parallel regions.
void clear_threads();
/// In the child of a fork: only this thread is left.
void forget_other_threads();
/// Of threads that LLVM's runtime or a program may end.
void make_thread_key();

/// While the program is in OpenMP's runtime on account of something that may wait. A thread that is not useful passes.
class Waiting {
 public:
  Waiting() : thread_(self()), counts_(thread_.state == State::useful) {
    if (counts_) thread_.pause(State::waiting);
  }
  ~Waiting() {
    if (counts_) thread_.resume();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Thread& thread_;
  bool counts_;
};

}  // namespace paceline::probe
