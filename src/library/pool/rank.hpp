// What the driver and the followers of a pool share: who is there, and how a rank's thread passes its time.
#pragma once

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/pool.hpp>

namespace paceline::detail {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A rank as all others know it.
struct RankInfo {
  std::array<char, 64> host{};
  std::int64_t pid = 0;
  std::int32_t threads = 1;
  std::int32_t padding = 0;
  std::uint64_t tasks = 0;  ///< tasks_digest()

  [[nodiscard]] std::string host_name() const { return host.data(); }
};

/// Everything that a rank's part of a pool is made of. `comm` is the pool's own.
struct Members {
  Comm comm;
  PoolOptions options;
  std::vector<RankInfo> ranks;

  [[nodiscard]] const RankInfo& me() const { return ranks[static_cast<std::size_t>(comm.rank())]; }
};

/// Collective. Throws AgreedError.
Members introduce(const Comm& comm, const PoolOptions& options);

/// Calls what a progress thread does. If it fails, no rank hears of anything any more, so then the job ends.
void or_end(const Members& members, const std::function<void()>& carry);
[[noreturn]] void end_job(const Members& members);

}  // namespace paceline::detail
