// The place where ranks keep shared state: counters, locks, queues, events. One node has the memory, all may use it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

namespace paceline {

namespace sync {
class Core;
struct ObjectState;
}  // namespace sync

struct DomainOptions {
  /// Threads of one rank that may use shared state at the same time; each that does takes 64 bytes of the home node.
  int threads_per_rank = 1024;
  /// A rank of another node that was not heard of for so long counts as dead, and rank 0 as gone; silence counts only
  /// while the listener itself is awake. On the home node nothing is guessed: the kernel tells.
  std::chrono::milliseconds silence{3000};
};

/// Where shared objects live. The state is in memory of the home node, which is that of the communicator's rank 0.
/// Ranks there work on it in place with atomics, whatever the others are doing. Ranks of other nodes send a message
/// that a thread of rank 0 answers; this needs MPI_THREAD_MULTIPLE (MpiGuard's ThreadLevel::multiple).
///
/// Objects may be made from a communicator: those made from the same one share a domain, which goes with the last of
/// them. Deadlocks are found among the locks of one domain. A Domain is a handle; copies are the same domain.
///
/// Cost: on one node no messages, and one thread per rank that sleeps; its death is how the kernel tells of the rank's.
/// Between nodes a rank 0 thread that naps between messages, and five small messages a second from each remote rank.
class Domain {
 public:
  /// Collective. The domain of this communicator, made when it has none.
  Domain(const Comm& comm);  // NOLINT(google-explicit-constructor): so that objects can be made from a communicator
  /// Collective. A new domain of its own.
  Domain(const Comm& comm, const DomainOptions& options);
  /// Collective. The same, told which ranks share memory with this one: `node` must be a part of a node.
  /// Throws AgreedError when there are several nodes and MPI has no MPI_THREAD_MULTIPLE.
  Domain(const Comm& comm, const Comm& node, const DomainOptions& options = {});

  [[nodiscard]] const Comm& comm() const;
  /// Whether this rank reaches the state in place.
  [[nodiscard]] bool is_home() const;
  [[nodiscard]] const std::shared_ptr<sync::Core>& core() const { return core_; }

 private:
  std::shared_ptr<sync::Core> core_;
};

namespace sync {

/// What an object is.
enum class Kind : std::uint32_t { value, mutex, semaphore, event, barrier, condition, queue, leaving };

/// What an object starts with.
struct Start {
  std::uint64_t first = 0, second = 0;  ///< what its kind makes of them
  std::size_t more_bytes = 0;           ///< of memory beside the state
  std::optional<Error> problem = {};    ///< what is wrong with this rank's arguments
};

/// The part that all shared objects have: a state at the domain, made and given back collectively. Whoever destroys
/// objects while an exception unwinds does not wait for the other ranks.
class SharedObject {
 public:
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  /// What all ranks call this object.
  struct Identity {
    std::uint64_t domain = 0;
    std::uint32_t object = 0;
    Kind kind{};
    friend auto operator<=>(const Identity&, const Identity&) = default;
  };
  [[nodiscard]] Identity identity() const;
  /// This rank's part of an object. Throws Error if there is none (any more).
  static SharedObject& find(const Identity& identity);

 protected:
  /// Collective. If any rank has a problem, all throw AgreedError.
  SharedObject(const Domain& domain, Kind kind, std::string name, const Start& start = {});
  ~SharedObject();

  [[nodiscard]] Core& core() const { return *core_; }
  [[nodiscard]] std::uint32_t id() const { return id_; }
  /// Nothing on ranks that are not at home.
  [[nodiscard]] ObjectState* state() const { return state_; }

 private:
  std::shared_ptr<Core> core_;
  std::string name_;
  Kind kind_;
  std::uint32_t id_ = 0;
  ObjectState* state_ = nullptr;
};

/// Time to wait, in nanoseconds. Negative: for ever.
using Timeout = std::int64_t;
constexpr Timeout forever = -1;

/// Any duration as a Timeout: nothing less than 0, and more than a century is a century.
template <class Rep, class Period>
Timeout timeout_of(const std::chrono::duration<Rep, Period>& duration) {
  using Seconds = std::chrono::duration<double>;
  if (duration <= duration.zero()) return 0;
  if (Seconds(duration).count() > 3e9) return Timeout{3'000'000'000'000'000'000};
  return std::chrono::ceil<std::chrono::nanoseconds>(duration).count();
}
template <class Clock, class Duration>
Timeout timeout_until(const std::chrono::time_point<Clock, Duration>& time) {
  return timeout_of(time - Clock::now());
}

}  // namespace sync
}  // namespace paceline
