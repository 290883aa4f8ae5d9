// A lock between ranks and threads: fair, with time-outs, and it tells of deadlocks and of holders that died.
#pragma once

#include <string>

#include <paceline/domain.hpp>

namespace paceline {

/// Mutual exclusion between all threads of all ranks. Meets the standard's TimedLockable: std::scoped_lock,
/// std::unique_lock and std::lock work. The owner is a thread of a rank, not recursive.
///
/// A queue lock: those who wait get it in the order in which they came, each woken by its own word of memory
/// (Mellor-Crummey and Scott, ACM TOCS 9(1), 1991, section 2.4), which a time-out may leave (as in Scott and Scherer,
/// PPoPP 2001). Here the queue is an explicit list under a short mutex of the node, so that a rank that dies in it
/// breaks nothing. An unlocked lock is taken with one compare-and-swap. Waiting spins for at most
/// 20 microseconds, and only where each rank of the node has a core, then sleeps in the kernel.
///
/// Errors: calls that could wait for ever throw Error instead, within a fraction of a second on one node:
///  - deadlock: each thread of a cycle of threads and locks throws, naming ranks, locks and who waits for what. Waiting
///    with a time limit is no part of a deadlock; std::scoped_lock(a, b) holds nothing while it waits;
///  - the holder died, finalised, ended its thread or destroys the lock: named, and the lock is of no more use;
///  - the calling thread has it already.
/// Memory: unlock() happens before the next lock() returns, between ranks as between threads (release, acquire).
class Mutex : public sync::SharedObject {
 public:
  /// Collective over the domain's communicator, and so is destruction. Messages call it by its name.
  Mutex(const Domain& domain, std::string name);
  ~Mutex();

  void lock();
  /// Returns whether it was free and nobody before us. Throws Error if the calling thread has it.
  bool try_lock();
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return lock(sync::timeout_of(duration));
  }
  template <class Clock, class Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return lock(sync::timeout_until(time));
  }
  /// Throws Error if the calling thread does not have it.
  void unlock();

 private:
  bool lock(sync::Timeout timeout);
};

}  // namespace paceline
