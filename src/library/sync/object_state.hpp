// What lies in the home node's memory. Numbers instead of pointers, since each process maps it somewhere else; all of
// it is zero at first.
#pragma once

#include <cstdint>

#include <paceline/domain.hpp>

#include "library/sync/futex.hpp"
#include "library/sync/robust_mutex.hpp"

namespace paceline::sync {

/// A thread of a rank that uses the domain: rank * threads_per_rank + the thread's number in its rank.
using AgentId = std::uint32_t;
/// An object of the domain.
using ObjectId = std::uint32_t;

/// What an agent's doorbell says.
enum class Wake : std::uint32_t { idle, waiting, granted, failed };

struct alignas(64) Agent {
  Doorbell bell;  ///< a Wake
  /// The lock that it waits for without a time limit, + 1, or 0, in the low half; the high half grows with every
  /// change. One word, so that a reader sees both at one time.
  std::atomic<std::uint64_t> wants;
  std::atomic<std::uint32_t> ended;    ///< its thread has ended with a lock in hand
  std::atomic<std::uint32_t> leaving;  ///< it is in a destructor that waits for the other ranks
  std::uint32_t report;                ///< with Wake::failed: which of the reports
  // Guarded by the mutex of the state in whose list it is.
  std::uint32_t in_list;  ///< state * 2 + list + 1, or 0
  AgentId next, previous;
};

/// Agents in the order in which they came, + 1, 0 for none. Guarded by the state's mutex.
struct List {
  std::uint32_t first, last;
};

struct alignas(64) ObjectState {
  static constexpr std::size_t slot = 256;  ///< bytes of any kind of state

  RobustMutex mutex;
  std::atomic<std::uint32_t> broken;  ///< a rank died while it changed this
  Kind kind;
  char name[40];
  List lists[2];
};

struct ValueState : ObjectState {
  alignas(64) std::uint64_t value;
};
struct MutexState : ObjectState {
  static constexpr std::uint32_t queued = std::uint32_t{1} << 31;
  /// 0: free. Else the agent that has it, + 1, and whether others wait.
  alignas(64) std::atomic<std::uint32_t> owner;
  std::atomic<std::uint32_t> destroyed;  ///< by its holder
};
struct SemaphoreState : ObjectState {
  std::int64_t units;
  std::int64_t most;  ///< free at the same time
};
struct EventState : ObjectState {
  alignas(64) Doorbell bell;  ///< times it was set * 2 + whether it is
};
struct BarrierState : ObjectState {
  alignas(64) std::atomic<std::uint64_t> arrived;  ///< phase in the high half, arrivals in it in the low one
  Doorbell phase;
  std::uint32_t expected;
};
/// A ring of bytes: each item with its size in front.
struct QueueState : ObjectState {
  static constexpr std::uint32_t pushers = 0, poppers = 1;  ///< lists
  std::uint64_t most_items, ring_bytes;
  std::uint64_t first, used_bytes, count;
  std::uint64_t unfinished;  ///< items that were pushed and not finished
  Doorbell finished;         ///< grows when none is left
  std::uint32_t closed;
};

static_assert(sizeof(Agent) == 64 && sizeof(ValueState) <= ObjectState::slot &&
              sizeof(MutexState) <= ObjectState::slot && sizeof(SemaphoreState) <= ObjectState::slot &&
              sizeof(EventState) <= ObjectState::slot && sizeof(BarrierState) <= ObjectState::slot &&
              sizeof(QueueState) <= ObjectState::slot);

/// Whether a rank is there. The thread that holds `alive` lives as long as the rank uses the domain.
struct alignas(64) Life {
  enum Status : std::uint32_t { present, left, finalised, dead };
  RobustMutex alive;
  std::atomic<std::uint32_t> status;
};

/// The first bytes of the memory; lives and agents follow.
struct alignas(64) Header {
  static constexpr std::uint32_t reports = 16, report_bytes = 2048;
  RobustMutex graph;  ///< held by who marks the members of a deadlock
  std::uint32_t next_report;
  char report[reports][report_bytes];
};

}  // namespace paceline::sync
