// A flag that ranks can wait for.
#pragma once

#include <string>

#include <paceline/domain.hpp>

namespace paceline {

/// Python's threading.Event between all threads of all ranks. set() lets everybody through who waits at that moment,
/// even if clear() follows at once. is_set() is one load at home, cheap enough for every step of a loop.
/// wait() throws Error naming a rank of the communicator that has died, since it may be the one to set it.
/// Memory: set() happens before a wait() that it ends, and before an is_set() that sees it; so does clear().
class Event : public sync::SharedObject {
 public:
  /// Collective, and so is destruction. Not set at first.
  explicit Event(const Domain& domain, std::string name = "event");

  void set();
  void clear();
  [[nodiscard]] bool is_set() const;
  void wait() const { wait(sync::forever); }
  /// Returns whether it was set.
  template <class Rep, class Period>
  bool wait_for(const std::chrono::duration<Rep, Period>& duration) const {
    return wait(sync::timeout_of(duration));
  }
  template <class Clock, class Duration>
  bool wait_until(const std::chrono::time_point<Clock, Duration>& time) const {
    return wait(sync::timeout_until(time));
  }

 private:
  bool wait(sync::Timeout timeout) const;
};

}  // namespace paceline
