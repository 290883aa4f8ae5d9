#include <paceline/future.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace paceline::detail {

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
  Outcome outcome;
  outcome.first = first();
  {
    const std::lock_guard lock(mutex_);
    outcome.count = left_;
  }
  outcome.failures.push_back({outcome.first, TaskFailure::cancelled, "it was not begun"});
  settle(std::move(outcome));
  return true;
}

void Awaited::finish() {
  std::vector<std::function<void()>> actions;
  {
    const std::lock_guard lock(mutex_);
    std::sort(outcomes_.begin(), outcomes_.end(), [](const Outcome& a, const Outcome& b) { return a.first < b.first; });
    is_ready_.store(true, std::memory_order_release);
    actions.swap(actions_);
    // Under the lock: who waits may let go of this as soon as it is ready.
    changed_.notify_all();
  }
  for (const auto& action : actions) action();
}

void Awaited::wait() {
  // Where a compute thread shares this core, yielding lets it finish many short tasks without waking us for each.
  for (int round = 0; round < 30; ++round) {
    if (ready()) return;
    std::this_thread::yield();
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready(); });
}

bool Awaited::wait_for(std::chrono::nanoseconds limit) {
  if (ready()) return true;
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return ready(); });
}

void Awaited::when_ready(std::function<void()> action) {
  {
    const std::lock_guard lock(mutex_);
    if (!ready()) {
      actions_.push_back(std::move(action));
      return;
    }
  }
  action();
}

std::vector<Outcome>& Awaited::outcomes() {
  // Whoever made it ready may still hold the lock.
  const std::lock_guard lock(mutex_);
  return outcomes_;
}

void throw_failure(const Outcome& outcome, const Failure& failure) {
  throw TaskError(failure.failure, failure.task, outcome.rank, outcome.host, failure.message);
}

}  // namespace paceline::detail
