// What a Domain is: the home node's memory, who uses it, and how to wait there.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/domain.hpp>
#include <paceline/node_memory.hpp>

#include "library/sync/object_state.hpp"
#include "library/sync/operation.hpp"
#include "library/sync/thread_slot.hpp"

namespace paceline::sync {

class RemoteService;

/// For a Start: what is wrong, in a sentence, unless all is well.
inline std::optional<Error> problem_unless(bool is_well, const std::string& sentence) {
  return is_well ? std::nullopt : std::optional(Error(ErrorKind::failure, sentence));
}

class Core {
 public:
  Core(const Comm& comm, const Comm& node, const DomainOptions& options);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core();

  [[nodiscard]] const Comm& comm() const { return comm_; }
  [[nodiscard]] bool is_home() const { return is_home_; }
  [[nodiscard]] const DomainOptions& options() const { return options_; }
  /// No other domain's, on any rank.
  [[nodiscard]] std::uint64_t key() const { return key_; }

  /// Collective. `problem`: what this rank finds wrong with the arguments; all throw then.
  ObjectId create(Kind kind, const std::string& name, const Start& start);
  /// Collective, but returns at once while an exception unwinds.
  void destroy(ObjectId object);

  /// Does it for the calling thread, waiting if need be. Throws Error.
  void perform(Operation& op);
  /// The calling thread as the domain knows it.
  ThreadSlot& slot() { return slot_of_this_thread(slots_); }
  /// A thread of this rank that ended with a lock in hand and of which home does not know yet, + 1, or 0.
  [[nodiscard]] std::uint32_t take_ended() const;

  // At home only.
  [[nodiscard]] ObjectState& state(ObjectId object) const;
  /// Of a queue: its ring.
  [[nodiscard]] std::byte* more_of(ObjectId object) const;
  [[nodiscard]] Header& header() const { return *header_; }
  [[nodiscard]] Agent& agent(AgentId agent) const { return agents_[agent]; }
  [[nodiscard]] Life& life(int rank) const { return lives_[rank]; }
  [[nodiscard]] int rank_of(AgentId agent) const { return static_cast<int>(agent) / options_.threads_per_rank; }
  [[nodiscard]] bool is_at_home(int rank) const { return at_home_[static_cast<std::size_t>(rank)] != 0; }
  /// For messages: "rank 3", "rank 3 thread 1", and the same with its host.
  [[nodiscard]] std::string name_of(AgentId agent) const;
  [[nodiscard]] std::string name_with_host(int rank) const;

  // Lists, under the state's mutex.
  void push(ObjectState& state, std::uint32_t list, AgentId agent) const;
  /// Takes the first out; returns it + 1, or 0.
  [[nodiscard]] std::uint32_t pop(ObjectState& state, std::uint32_t list) const;
  /// Makes its bell say so, to be rung afterwards; false if it waits no longer.
  [[nodiscard]] bool grant(AgentId agent) const;
  /// Grants the first that still waits; returns it + 1, or 0.
  [[nodiscard]] std::uint32_t grant_first(ObjectState& state, std::uint32_t list) const;
  /// Returns whether it was in one.
  bool remove(ObjectState& state, AgentId agent) const;

 private:
  struct Slots {
    std::unique_ptr<NodeMemory> memory;
    std::vector<std::unique_ptr<NodeMemory>> more;
  };
  static constexpr std::uint32_t slots_in_block = 1024, most_blocks = 64;

  ObjectId reserve();
  void initialise(ObjectId object, Kind kind, const std::string& name, const Start& start) const;
  void wait(Operation& op);
  void live(const std::stop_token& stop);
  void stop_living();
  void tell_of_finalise();
  void forget();

  Comm comm_, node_;
  DomainOptions options_;
  std::uint64_t key_ = 0;
  bool is_home_ = true;
  bool spins_ = false;
  std::vector<std::uint8_t> at_home_;  ///< per rank
  std::vector<std::string> hosts_;     ///< per rank
  std::unique_ptr<NodeMemory> memory_;
  Header* header_ = nullptr;
  Life* lives_ = nullptr;
  Agent* agents_ = nullptr;
  std::array<std::unique_ptr<Slots>, most_blocks> blocks_;
  std::vector<ObjectId> free_;
  ObjectId next_ = 0;
  std::shared_ptr<ThreadSlots> slots_;
  std::unique_ptr<RemoteService> remote_;  ///< with several nodes
  std::jthread living_;
  int finalise_key_ = MPI_KEYVAL_INVALID;
  bool is_forgotten_ = false;
};

/// Holds a state's mutex. Throws Error when a rank died in it: nothing is sure then.
class ObjectLock {
 public:
  explicit ObjectLock(ObjectState& state);
  ObjectLock(const ObjectLock&) = delete;
  ObjectLock& operator=(const ObjectLock&) = delete;
  ~ObjectLock() { state_.mutex.unlock(); }

 private:
  ObjectState& state_;
};

/// Name and kind for messages: `mutex "results"`.
std::string title_of(const ObjectState& state);

}  // namespace paceline::sync
