// Groups of tasks that wait on a rank for a thread that has time.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <vector>

#include <paceline/pool_queue.hpp>

namespace paceline::detail {

class WorkQueue {
 public:
  void push(Group group) {
    {
      const std::lock_guard lock(mutex_);
      groups_.push_back(std::move(group));
      size_.store(groups_.size());
    }
    wake();
  }
  /// In front of all others: they were begun, or have waited, before.
  void push_front(std::vector<Group> groups) {
    {
      const std::lock_guard lock(mutex_);
      for (auto group = groups.rbegin(); group != groups.rend(); ++group) groups_.push_front(std::move(*group));
      size_.store(groups_.size());
    }
    wake();
  }

  /// For this rank alone, and before all others.
  void push_own(Group group) {
    {
      const std::lock_guard lock(mutex_);
      own_.push_back(std::move(group));
      own_size_.store(own_.size());
    }
    wake();
  }
  std::optional<Group> pop_own() {
    if (own_size_.load(std::memory_order_relaxed) == 0) return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (own_.empty()) return std::nullopt;
    std::optional<Group> group(std::move(own_.front()));
    own_.pop_front();
    own_size_.store(own_.size());
    return group;
  }

  /// What this rank's team has to do beside groups. The thread that pops one calls end_action() when it is done.
  void push_action(Awaited::Action action) {
    unfinished_actions_.fetch_add(1);
    {
      const std::lock_guard lock(mutex_);
      actions_.push_back(std::move(action));
      actions_size_.store(actions_.size());
    }
    wake();
  }
  Awaited::Action pop_action() {
    if (actions_size_.load(std::memory_order_relaxed) == 0) return nullptr;
    const std::lock_guard lock(mutex_);
    if (actions_.empty()) return nullptr;
    auto action = std::move(actions_.front());
    actions_.pop_front();
    actions_size_.store(actions_.size());
    return action;
  }

  void end_action() { unfinished_actions_.fetch_sub(1); }
  [[nodiscard]] bool has_unfinished_actions() const { return unfinished_actions_.load() > 0; }

  std::optional<Group> pop() {
    if (size() == 0) return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (groups_.empty()) return std::nullopt;
    std::optional<Group> group(std::move(groups_.front()));
    groups_.pop_front();
    size_.store(groups_.size());
    return group;
  }
  /// The last `most` groups, in their order.
  std::vector<Group> pop_back(std::size_t most) {
    const std::lock_guard lock(mutex_);
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, groups_.size()));
    std::vector<Group> taken(std::make_move_iterator(groups_.end() - count), std::make_move_iterator(groups_.end()));
    groups_.erase(groups_.end() - count, groups_.end());
    size_.store(groups_.size());
    return taken;
  }

  /// The group of this number, if it is still there.
  std::optional<Group> pop_group(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    for (auto* groups : {&groups_, &own_}) {
      const auto found = std::find_if(groups->begin(), groups->end(), [&](const Group& one) { return one.id == id; });
      if (found == groups->end()) continue;
      std::optional<Group> group(std::move(*found));
      groups->erase(found);
      size_.store(groups_.size());
      own_size_.store(own_.size());
      return group;
    }
    return std::nullopt;
  }

  /// A hint: others push and pop meanwhile. Of groups that any rank may run.
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// All of it.
  [[nodiscard]] bool is_empty() const { return size_.load() + own_size_.load() + actions_size_.load() == 0; }

  /// Sleeps until something is pushed or wake() is called, or for `limit`.
  void sleep(std::chrono::milliseconds limit) {
    std::unique_lock lock(sleep_mutex_);
    sleepers_.fetch_add(1);
    const auto calls = calls_;
    changed_.wait_for(lock, limit, [&] { return calls_ != calls || !is_empty(); });
    sleepers_.fetch_sub(1);
  }
  void wake() {
    // Nobody sleeps while tasks keep coming; then this is all that a push costs. Who pushes writes the size first and
    // looks for sleepers then, who goes to sleep does both the other way round.
    if (sleepers_.load() == 0) return;
    const std::lock_guard lock(sleep_mutex_);
    ++calls_;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::deque<Group> groups_, own_;
  std::deque<Awaited::Action> actions_;
  std::atomic<std::size_t> size_{0}, own_size_{0}, actions_size_{0}, unfinished_actions_{0};
  std::mutex sleep_mutex_;
  std::condition_variable changed_;
  std::atomic<int> sleepers_{0};
  std::uint64_t calls_ = 0;
};

}  // namespace paceline::detail
