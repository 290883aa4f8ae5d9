// How a thread that carries messages passes its time between two looks.
#pragma once

#include <sys/prctl.h>

#include <chrono>
#include <thread>

namespace paceline {

/// What this rank's compute threads do while messages are waited for.
enum class Threads { idle, busy };

/// Used by one thread.
class Pause {
 public:
  /// The kernel may add 50 microseconds to every sleep of a thread, unless it is told otherwise.
  Pause() { prctl(PR_SET_TIMERSLACK, 1'000); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
  ~Pause() { prctl(PR_SET_TIMERSLACK, slack_before_); }

  void reset() { round_ = 0; }
  void take(Threads threads) {
    using namespace std::chrono_literals;
    // Never a yield: on a shared core that lasts a whole time slice of a thread that computes, some milliseconds, while
    // one that sleeps is let in as soon as it wakes. Ranks have more work ahead than 200 microseconds.
    const bool is_soon = threads == Threads::idle && round_ < 100;
    std::this_thread::sleep_for(is_soon ? 10us : is_long() ? 500us : 200us);
    ++round_;
  }
  [[nodiscard]] bool is_long() const { return round_ > 500; }

 private:
  int round_ = 0;
  int slack_before_ = prctl(PR_GET_TIMERSLACK);
};

}  // namespace paceline
