// A barrier that can be left in time, and that threads may use as well as ranks.
#pragma once

#include <string>

#include <paceline/domain.hpp>

namespace paceline {

/// std::barrier's arrive_and_wait between threads of ranks, again and again. Unlike MPI_Barrier it has time-outs, needs
/// no collective call of all ranks but `expected` arrivals of any threads, and sleeps while it waits.
/// A central counter with its phase in one word, the sense-reversing barrier of Mellor-Crummey and Scott (1991),
/// section 3.1: one atomic to arrive. Throws Error naming a rank that has died or left and will not arrive. Memory:
/// what any thread did before it arrived happens before all return.
class Barrier : public sync::SharedObject {
 public:
  /// Collective, and so is destruction. `expected` arrivals end a phase, from 1 to 2^31 - 1; by default one of each
  /// rank.
  explicit Barrier(const Domain& domain, int expected = 0, std::string name = "barrier");

  void arrive_and_wait() { arrive_and_wait(sync::forever); }
  /// Returns whether all arrived in time; if not, this arrival is taken back.
  template <class Rep, class Period>
  bool arrive_and_wait_for(const std::chrono::duration<Rep, Period>& duration) {
    return arrive_and_wait(sync::timeout_of(duration));
  }
  template <class Clock, class Duration>
  bool arrive_and_wait_until(const std::chrono::time_point<Clock, Duration>& time) {
    return arrive_and_wait(sync::timeout_until(time));
  }

 private:
  bool arrive_and_wait(sync::Timeout timeout);
};

}  // namespace paceline
