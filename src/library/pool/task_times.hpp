// How long tasks take, by function.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include <paceline/completion.hpp>

namespace paceline::detail {

/// Moving averages. By any thread.
class TaskTimes {
 public:
  void add(TaskId function, const Outcome& outcome) {
    const auto mean_s = outcome.seconds / static_cast<double>(outcome.count);
    const std::lock_guard lock(mutex_);
    const auto [place, is_new] = means_.try_emplace(function, mean_s);
    if (!is_new) place->second += (mean_s - place->second) / 8;
  }
  /// Seconds; negative: no task of it was done.
  [[nodiscard]] double mean_s(TaskId function) const {
    const std::lock_guard lock(mutex_);
    const auto found = means_.find(function);
    return found == means_.end() ? -1 : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<TaskId, double> means_;
};

}  // namespace paceline::detail
