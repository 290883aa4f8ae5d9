// A condition variable between ranks, used with a Mutex.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>

#include <paceline/domain.hpp>
#include <paceline/mutex.hpp>

namespace paceline {

/// std::condition_variable between all threads of all ranks. The state that it stands for lies in a Value or
/// SharedArray and is changed under the Mutex. No spurious wake-ups; notify_one wakes who has waited longest.
/// wait() throws Error naming a rank that has died, with the lock taken again unless that is what failed.
class Condition : public sync::SharedObject {
 public:
  /// Collective, and so is destruction.
  explicit Condition(const Domain& domain, std::string name = "condition");

  /// Of the same domain as `lock`'s mutex, which the calling thread must have.
  void wait(std::unique_lock<Mutex>& lock) { wait(lock, sync::forever); }
  template <class Predicate>
  void wait(std::unique_lock<Mutex>& lock, Predicate predicate) {
    while (!predicate()) wait(lock);
  }
  template <class Rep, class Period>
  std::cv_status wait_for(std::unique_lock<Mutex>& lock, const std::chrono::duration<Rep, Period>& duration) {
    return wait(lock, sync::timeout_of(duration)) ? std::cv_status::no_timeout : std::cv_status::timeout;
  }
  /// Returns what the predicate is in the end.
  template <class Clock, class Duration, class Predicate>
  bool wait_until(std::unique_lock<Mutex>& lock, const std::chrono::time_point<Clock, Duration>& time,
                  Predicate predicate) {
    while (!predicate()) {
      if (!wait(lock, sync::timeout_until(time))) return predicate();
    }
    return true;
  }
  template <class Rep, class Period, class Predicate>
  bool wait_for(std::unique_lock<Mutex>& lock, const std::chrono::duration<Rep, Period>& duration,
                Predicate predicate) {
    return wait_until(lock, std::chrono::steady_clock::now() + std::chrono::nanoseconds(sync::timeout_of(duration)),
                      std::move(predicate));
  }
  void notify_one() { notify(1); }
  void notify_all() { notify(UINT64_MAX); }

 private:
  bool wait(std::unique_lock<Mutex>& lock, sync::Timeout timeout);
  void notify(std::uint64_t most);
};

}  // namespace paceline
