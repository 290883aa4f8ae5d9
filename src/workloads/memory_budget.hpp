// Bytes that a rank holds of what comes in sizes that are not known beforehand, counted in one place.
#pragma once

#include <atomic>
#include <cstdint>

namespace paceline {

/// The maker of such bytes takes them before they are in memory; the writer gives them back.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t limit) : limit_(limit) {}

  [[nodiscard]] std::int64_t limit() const { return limit_; }
  [[nodiscard]] std::int64_t held() const { return held_.load(); }
  /// Over the limit, too: how much more may be taken is for the caller to judge.
  void take(std::int64_t bytes) { held_.fetch_add(bytes); }
  void give_back(std::int64_t bytes) { held_.fetch_sub(bytes); }

 private:
  std::int64_t limit_;
  std::atomic<std::int64_t> held_{0};
};

}  // namespace paceline
