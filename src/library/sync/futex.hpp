// Sleeping on a word of shared memory until another process changes it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace paceline::sync {

/// Sleeps while `word` is `expected`, until it is woken, at most for `time`; may return early. std::atomic::wait is no
/// help here: libstdc++ waits with FUTEX_PRIVATE_FLAG, which other processes can't wake.
void sleep_on(const std::atomic<std::uint32_t>& word, std::uint32_t expected, std::chrono::nanoseconds time);

/// Wakes all who sleep on `word`, in any process.
void wake_all(const std::atomic<std::uint32_t>& word);

/// A word that some wait for, with the number of those who sleep, so that who changes it needs no system call while
/// nobody does. Both sides are sequentially consistent: the sleeper counts itself and then looks at the word, the waker
/// changes the word and then looks at the count.
struct Doorbell {
  std::atomic<std::uint32_t> word;
  std::atomic<std::uint32_t> sleepers;

  void sleep(std::uint32_t expected, std::chrono::nanoseconds time) {
    sleepers.fetch_add(1);
    sleep_on(word, expected, time);
    sleepers.fetch_sub(1);
  }
  /// To be called after the word was changed.
  void ring() const {
    if (sleepers.load() != 0) wake_all(word);
  }
};

/// One turn of a short spin.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace paceline::sync
