// What the ranks of one node tell each other by atomics in shared memory while they compute.
#pragma once

#include <atomic>
#include <cstdint>

#include <paceline/comm.hpp>
#include <paceline/node_memory.hpp>

#include "host/interrupt.hpp"

namespace paceline {

class NodeState {
 public:
  static constexpr std::size_t line = 64;  ///< bytes of a cache line: what is written often stands alone in one

  struct Shared {
    alignas(line) std::atomic<std::uint64_t> current;  ///< chunks being handed out, see Dispenser
    alignas(line) std::atomic<std::uint64_t> spare;    ///< chunks for when they are gone
    alignas(line) std::atomic<std::int64_t> waiting;   ///< threads that wait for chunks
    alignas(line) std::atomic<std::int64_t> items_done;
    alignas(line) std::atomic<std::uint32_t> stop;  ///< not 0: everyone leaves at the next row
    std::atomic<std::uint32_t> has_warned;          ///< not 0: a watchdog has spoken, once is enough
  };
  /// A rank's sign of life.
  struct alignas(line) Pulse {
    std::atomic<std::uint64_t> beats;     ///< grows with each piece of work and while others are waited for
    std::atomic<std::uint64_t> ticks;     ///< grows while the process lives and is watched
    std::atomic<std::uint32_t> at_work;   ///< 1 while threads compute, so that silence means trouble
    std::atomic<std::uint32_t> on_watch;  ///< 1 while it ticks
  };

  /// Collective over `node`.
  explicit NodeState(const Comm& node)
      : node_(node),
        memory_(node, sizeof(Shared) + static_cast<std::size_t>(node.size()) * sizeof(Pulse)),
        shared_(reinterpret_cast<Shared*>(memory_.data())),
        pulses_(reinterpret_cast<Pulse*>(memory_.data() + sizeof(Shared))) {}

  [[nodiscard]] Shared& shared() const { return *shared_; }
  [[nodiscard]] Pulse& pulse(int node_rank) const { return pulses_[node_rank]; }
  [[nodiscard]] Pulse& my_pulse() const { return pulses_[node_.rank()]; }
  [[nodiscard]] const Comm& node() const { return node_; }
  /// This rank gets on, or waits for others that have to.
  void beat() const { my_pulse().beats.fetch_add(1, std::memory_order_relaxed); }

  [[nodiscard]] bool stopping() const { return shared_->stop.load(std::memory_order_relaxed) != 0; }
  void stop() const { shared_->stop.store(1); }
  /// The same as stopping(), once a signal to this process has been passed on to all.
  [[nodiscard]] bool stopping_for_signals() const {
    if (interrupt_signal() != 0) stop();
    return stopping();
  }

 private:
  Comm node_;
  NodeMemory memory_;
  Shared* shared_;
  Pulse* pulses_;
};

}  // namespace paceline
