#include <algorithm>

#include <paceline/as_completed.hpp>

#include "library/pool/wait.hpp"

namespace paceline::detail {

Outcome all_failed(std::int64_t first, std::int64_t count, TaskFailure failure, const std::string& why) {
  Outcome outcome;
  outcome.first = first;
  outcome.count = count;
  for (std::int64_t k = 0; k < count; ++k) outcome.failures.push_back({first + k, failure, {why}});
  return outcome;
}

// Both sides write first and look then, so that one of them sees the other.
bool Ticket::begin() {
  begun_.fetch_add(1);
  if (!is_cancelled_.load()) return true;
  take_back();
  return false;
}

bool Ticket::cancel() {
  is_cancelled_.store(true);
  return begun_.load() == 0;
}

void Ticket::terminate() {
  if (is_terminated_.exchange(true)) return;
  terminations_.fetch_add(1);
}

void Awaited::settle(Outcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    // After give_up() the groups still come by.
    if (left_ <= 0) return;
    left_ -= outcome.count;
    outcomes_.push_back(std::move(outcome));
    if (left_ > 0) return;
  }
  finish();
}

bool Awaited::give_up() {
  if (!has_tasks_ || !cancel()) return false;
  std::int64_t left = 0;
  {
    const std::lock_guard lock(mutex_);
    left = left_;
  }
  settle(all_failed(first(), left, TaskFailure::cancelled, "it was not begun"));
  return true;
}

bool Awaited::end_now() {
  if (!has_tasks_) return false;
  if (!give_up()) terminate();
  return true;
}

void Awaited::finish() {
  std::vector<Waiter> waiters;
  {
    const std::lock_guard lock(mutex_);
    std::sort(outcomes_.begin(), outcomes_.end(), [](const Outcome& a, const Outcome& b) { return a.first < b.first; });
    is_ready_.store(true, std::memory_order_release);
    waiters.swap(waiters_);
    // Under the lock: who waits may let go of this as soon as it is ready.
    changed_.notify_all();
  }
  auto* const duty = thread_duty();
  for (auto& [action, is_quick] : waiters) {
    if (is_quick || duty == nullptr || !duty->take_over(action)) action();
  }
}

bool Awaited::wait_until(const Deadline& deadline) {
  // Without the lock, which who makes it ready needs.
  for (int round = 0; round < yields_before_sleep && !ready(); ++round) {
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return false;
    std::this_thread::yield();
  }
  if (ready()) return true;
  std::unique_lock lock(mutex_);
  return detail::sleep_until(lock, changed_, deadline, [&] { return ready(); });
}

void Awaited::add(Action action, bool is_quick) {
  {
    const std::lock_guard lock(mutex_);
    if (!ready()) {
      waiters_.push_back({std::move(action), is_quick});
      return;
    }
  }
  action();
}

std::vector<Outcome>& Awaited::outcomes() {
  // The thread that made it ready may still hold the lock.
  const std::lock_guard lock(mutex_);
  return outcomes_;
}

std::exception_ptr Awaited::failure() {
  for (const auto& outcome : outcomes()) {
    if (outcome.failures.empty()) continue;
    try {
      throw_failure(outcome, outcome.failures.front());
    } catch (...) {
      return std::current_exception();
    }
  }
  return nullptr;
}

FutureStatus Awaited::status() {
  if (!ready()) return FutureStatus::waiting;
  for (const auto& outcome : outcomes()) {
    if (outcome.failures.empty()) continue;
    const bool is_cancelled = outcome.failures.front().failure == TaskFailure::cancelled;
    return is_cancelled ? FutureStatus::cancelled : FutureStatus::error;
  }
  return FutureStatus::value;
}

std::optional<std::size_t> ReadyNumbers::next(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  if (!wait_until(lock, changed_, deadline, [&] { return !numbers_.empty(); })) return std::nullopt;
  const auto number = numbers_.front();
  numbers_.pop_front();
  return number;
}

ThreadDuty*& thread_duty() {
  static thread_local ThreadDuty* duty = nullptr;
  return duty;
}

}  // namespace paceline::detail
