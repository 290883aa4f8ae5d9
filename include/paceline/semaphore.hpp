// A counting semaphore between ranks: at most so many at once.
#pragma once

#include <string>

#include <paceline/domain.hpp>

namespace paceline {

/// std::counting_semaphore between all threads of all ranks; fair: units go to those who wait in the order in which
/// they came. Units have no owner, so no deadlock can be told of, but acquire() throws Error naming a rank of the
/// communicator that has died. Memory: release() happens before the acquire() that it lets through.
/// Cost: a mutex of the home node (0.05 microseconds when free).
class Semaphore : public sync::SharedObject {
 public:
  /// Collective, and so is destruction. `initial` units, which must be at least 0.
  Semaphore(const Domain& domain, std::int64_t initial, std::string name = "semaphore");

  void acquire() { acquire(sync::forever); }
  bool try_acquire() { return acquire(0); }
  template <class Rep, class Period>
  bool try_acquire_for(const std::chrono::duration<Rep, Period>& duration) {
    return acquire(sync::timeout_of(duration));
  }
  template <class Clock, class Duration>
  bool try_acquire_until(const std::chrono::time_point<Clock, Duration>& time) {
    return acquire(sync::timeout_until(time));
  }
  /// Throws Error if more would be free than a BoundedSemaphore may have.
  void release(std::int64_t units = 1);

 protected:
  Semaphore(const Domain& domain, std::int64_t initial, std::int64_t most, std::string name);

 private:
  bool acquire(sync::Timeout timeout);
};

/// One of which no more units can be given back than were taken: a release() without its acquire() is an error.
class BoundedSemaphore : public Semaphore {
 public:
  /// Collective, and so is destruction.
  BoundedSemaphore(const Domain& domain, std::int64_t units, std::string name = "semaphore")
      : Semaphore(domain, units, units, std::move(name)) {}
};

}  // namespace paceline
