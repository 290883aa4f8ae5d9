// A clock that costs a few nanoseconds: the processor's counter where the kernel trusts it.
#pragma once

#include <time.h>

#include <cstdint>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

namespace paceline::probe {

/// Units of ticks(), which Process turns into nanoseconds at the end by what both clocks say then.
using Ticks = std::uint64_t;

inline std::uint64_t nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

/// The kernel offers the time stamp counter as a clock, so it runs at one rate and is the same on all cores.
/// Set once, before any thread is started.
extern bool has_counter;
void find_counter();

inline Ticks ticks() {
#if defined(__x86_64__)
  if (has_counter) [[likely]] {
    return __rdtsc();
  }
#elif defined(__aarch64__)
  Ticks now;  // The generic timer is the kernel's own clock on this architecture.
  asm volatile("mrs %0, cntvct_el0" : "=r"(now));
  return now;
#endif
  return nanoseconds(CLOCK_MONOTONIC);
}

}  // namespace paceline::probe
