// Waiting on rank 0 of a pool, for threads of the program and for those of the pool itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <paceline/completion.hpp>

namespace paceline::detail {

/// Where a compute thread shares this core, yielding lets it finish many short tasks without waking us for each.
inline constexpr int yields_before_sleep = 30;

/// Waits for `is_there`, which is asked under the lock. False: too late. A compute thread that waits in an action runs
/// tasks meanwhile, since it may be the only one that can.
template <class Condition>
bool sleep_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, const Deadline& deadline,
                 const Condition& is_there) {
  using namespace std::chrono_literals;
  while (auto* const duty = thread_duty()) {
    if (is_there()) return true;
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return false;
    lock.unlock();
    const bool has_helped = duty->help();
    lock.lock();
    if (!has_helped) changed.wait_for(lock, 200us, is_there);
  }
  if (deadline) return changed.wait_until(lock, *deadline, is_there);
  changed.wait(lock, is_there);
  return true;
}

/// The same, after some yielding.
template <class Condition>
bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, const Deadline& deadline,
                const Condition& is_there) {
  for (int round = 0; round < yields_before_sleep && !is_there(); ++round) {
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return false;
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
  return sleep_until(lock, changed, deadline, is_there);
}

}  // namespace paceline::detail
