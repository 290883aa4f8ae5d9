// How long tasks take, by function.
#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_map>

#include <paceline/completion.hpp>

namespace paceline::detail {

/// Moving averages. By any thread; which of two that add at the same time comes last does not matter.
class TaskTimes {
 public:
  TaskTimes() {
    for (const auto function : all_tasks()) means_.try_emplace(function, unknown);
  }
  void add(TaskId function, const Outcome& outcome) {
    const auto found = means_.find(function);
    if (found == means_.end()) return;
    const auto mean_s = outcome.seconds / static_cast<double>(outcome.count);
    const auto before = found->second.load(std::memory_order_relaxed);
    found->second.store(before < 0 ? mean_s : before + (mean_s - before) / 8, std::memory_order_relaxed);
  }
  /// Seconds; negative: no task of it was done.
  [[nodiscard]] double mean_s(TaskId function) const {
    const auto found = means_.find(function);
    return found == means_.end() ? unknown : found->second.load(std::memory_order_relaxed);
  }

 private:
  static constexpr double unknown = -1;
  std::unordered_map<TaskId, std::atomic<double>> means_;  ///< of all functions, so that no lock is needed
};

}  // namespace paceline::detail
