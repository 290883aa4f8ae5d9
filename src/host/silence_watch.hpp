// Which ranks, or other sources of signs of life, have been silent for too long, as far as this process can tell.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace paceline {

/// Silence counts only while this process was awake and listening: a job that is suspended as a whole, and a thread
/// that gets no processor, hear nothing and blame no other rank. So time between two calls of look() counts as a
/// sixteenth of the limit at the most. Used by one thread at a time.
class SilenceWatch {
 public:
  using Clock = std::chrono::steady_clock;

  SilenceWatch(int ranks, double limit_s)
      : limit_(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(limit_s, 1e9)))),
        heard_(static_cast<std::size_t>(ranks), Clock::duration::zero()) {}

  /// To be called often, after what has come was received.
  void look() {
    const auto now = Clock::now();
    awake_ += std::min(now - last_look_, limit_ / 16);
    last_look_ = now;
  }
  /// Something came from this rank, even a part of a message.
  void hear(int rank) { heard_[static_cast<std::size_t>(rank)] = awake_; }

  [[nodiscard]] double silence_s(int rank) const { return std::chrono::duration<double>(silence(rank)).count(); }
  [[nodiscard]] Clock::duration silence(int rank) const { return awake_ - heard_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] bool is_silent(int rank) const { return silence(rank) > limit_; }
  /// Signs of life must come more often than this.
  [[nodiscard]] Clock::duration sign_interval() const {
    return std::min<Clock::duration>(limit_ / 8, std::chrono::seconds(1));
  }

 private:
  Clock::duration limit_;
  Clock::duration awake_ = Clock::duration::zero();
  Clock::time_point last_look_ = Clock::now();
  std::vector<Clock::duration> heard_;
};

}  // namespace paceline
