// Operations as data: the same code does them for a thread at home, which sleeps meanwhile, and for one of another
// node, whose message waits with the serving thread. So each is three steps that return at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include <paceline/bytes.hpp>

#include "library/sync/object_state.hpp"

namespace paceline::sync {

class Core;

enum class Status : std::uint32_t { done, timed_out, closed, failed };

/// What is asked for. Goes to home as it is, followed by Operation::in.
struct Call {
  Kind kind{};
  std::uint32_t verb = 0;  ///< one of that kind's own
  AgentId agent = 0;
  ObjectId object = 0;
  Timeout timeout = forever;
  std::uint64_t first = 0, second = 0;
};

enum class Step { done, waiting };

/// A call under way.
struct Operation {
  Call call;
  std::span<const std::byte> in;
  std::span<std::byte> out;  ///< what comes back, if it has this size
  Bytes out_bytes;           ///< else
  Status status = Status::done;
  std::uint64_t value = 0;
  std::string error;  ///< with Status::failed: the sentence
  // While it waits: until the bell's word is no more this.
  Doorbell* bell = nullptr;
  std::uint32_t silent = 0;

  Step finish(Status with, std::uint64_t result = 0) {
    status = with;
    value = result;
    return Step::done;
  }
  Step fail(std::string sentence) {
    error = std::move(sentence);
    return finish(Status::failed);
  }
  Step wait_for(Doorbell& other, std::uint32_t while_it_is) {
    bell = &other;
    silent = while_it_is;
    return Step::waiting;
  }
  void give(std::size_t size, const auto& copy) {
    if (size != out.size()) out_bytes.resize(size);
    copy(size == out.size() ? out.data() : out_bytes.data());
  }
  [[nodiscard]] bool is_rung() const { return bell->word.load(std::memory_order_acquire) != silent; }
};

/// What objects of a kind do at home: a class for each kind, in the file of its name.
class ObjectType {
 public:
  virtual ~ObjectType() = default;
  [[nodiscard]] virtual const char* name() const = 0;
  virtual void initialise(ObjectState& /*state*/, std::uint64_t /*first*/, std::uint64_t /*second*/) const {}

  /// Begins; done at once, or waiting.
  virtual Step start(Core& core, Operation& op) const = 0;
  /// After the bell rang: done, or waiting again. Who waits in a list has what it wanted once it was granted.
  virtual Step resume(Core& core, Operation& op) const;
  /// Gives up: Status::timed_out, unless it was done meanwhile.
  virtual void cancel(Core& core, Operation& op) const;
  /// Puts a sentence into op.error if it can wait no longer, for example because a rank has died.
  virtual void check(Core& core, Operation& op, std::chrono::nanoseconds waited) const;
};

const ObjectType& type_of(Kind kind);

const ObjectType& value_type();
const ObjectType& mutex_type();
const ObjectType& semaphore_type();
const ObjectType& event_type();
const ObjectType& barrier_type();
const ObjectType& condition_type();
const ObjectType& queue_type();
/// Of no object: its verb says whether the calling thread is in a destructor that waits for the other ranks.
const ObjectType& leaving_type();

}  // namespace paceline::sync
