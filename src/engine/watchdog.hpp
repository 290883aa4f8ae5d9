// A rank that makes no progress is named and the job ended, instead of all waiting for it.
#pragma once

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <paceline/comm.hpp>

#include "engine/heartbeat.hpp"
#include "engine/node_state.hpp"
#include "host/clock.hpp"

namespace paceline {

/// Watches the ranks of its own node by shared memory, and the node before it by its heartbeat. A rank that computes
/// for long or is blocked in I/O is not hung: its watching thread lives.
class Watchdog {
 public:
  /// Collective over `world` and the node of `node_state`. `limit_s` 0: never warns.
  Watchdog(const Comm& world, const NodeState& node_state, double limit_s);

  /// Ends the job when a rank at work, a whole process that is on watch, or a node has not moved for longer than the
  /// limit.
  void look();

  /// Looks from now on until it is destroyed, in a thread of its own: a rank that hangs in a collective call makes all
  /// others wait in it. Does nothing without a limit.
  class Thread {
   public:
    explicit Thread(Watchdog& watchdog);
    ~Thread();
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

   private:
    Watchdog& watchdog_;
    std::jthread thread_;
  };

 private:
  /// A counter that must grow while somebody is at it.
  void look_at_sign(std::size_t sign, std::uint64_t count, bool is_expected);
  void look_at_own_work();
  void look_at_ranks();
  void look_at_node();
  void warn_and_abort(const std::string& problem);

  const Comm& world_;
  const NodeState& node_state_;
  double limit_s_;
  std::vector<int> ranks_;             ///< of this node, in the world
  std::vector<std::uint64_t> counts_;  ///< of two signs a rank, computing and living, as they were last
  SilenceWatch silence_;
  std::optional<Heartbeat> heartbeat_;
  Stopwatch since_start_;
  Stopwatch since_work_;
  double used_s_ = 0;  ///< processor time of this process
  bool is_deafness_told_ = false;
};

}  // namespace paceline
