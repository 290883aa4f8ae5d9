#include "library/sync/futex.hpp"

#include <algorithm>
#include <climits>
#include <thread>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace paceline::sync {

static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free);

#ifdef __linux__

void sleep_on(const std::atomic<std::uint32_t>& word, std::uint32_t expected, std::chrono::nanoseconds time) {
  if (time.count() <= 0) return;
  timespec relative = {};
  relative.tv_sec = static_cast<time_t>(time.count() / 1'000'000'000);
  relative.tv_nsec = static_cast<long>(time.count() % 1'000'000'000);
  syscall(SYS_futex, &word, FUTEX_WAIT, expected, &relative, nullptr, 0);
}

void wake_all(const std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

#else

void sleep_on(const std::atomic<std::uint32_t>& word, std::uint32_t expected, std::chrono::nanoseconds time) {
  if (word.load() == expected) {
    std::this_thread::sleep_for(std::min(time, std::chrono::nanoseconds(50'000)));
  }
}

void wake_all(const std::atomic<std::uint32_t>& /*word*/) {}

#endif

}  // namespace paceline::sync
