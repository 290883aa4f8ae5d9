// Operations as data: the same code does them for a thread at home, which sleeps meanwhile, and for one of another
// node, whose message waits with the serving thread. So each is three steps that return at once.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "library/sync/object_state.hpp"

namespace paceline::sync {

class Core;

enum class Verb : std::uint32_t {
  value_fetch,
  mutex_lock,
  mutex_unlock,
  semaphore_acquire,
  semaphore_release,
  event_set,
  event_clear,
  event_is_set,
  event_wait,
  barrier_arrive,
  condition_enter,
  condition_wait,
  condition_notify,
  queue_push,
  queue_pop,
  queue_close,
  queue_state,
  agent_leaving,
};

enum class Status : std::uint32_t { done, timed_out, closed, failed };

/// What is asked for; goes over the wire as it is, followed by an item for queue_push.
struct Call {
  Verb verb{};
  AgentId agent = 0;
  ObjectId object = 0;
  std::uint32_t extra = 0;
  Timeout timeout = forever;
  std::uint64_t first = 0, second = 0;
};

enum class Step { done, waiting };

/// A call under way.
struct Operation {
  Call call;
  std::span<const std::byte> in;
  std::span<std::byte> out;
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
  [[nodiscard]] bool is_rung() const { return bell->word.load(std::memory_order_acquire) != silent; }
};

/// Begins; done at once, or waiting.
Step start(Core& core, Operation& op);
/// After the bell rang: done, or waiting again.
Step resume(Core& core, Operation& op);
/// Gives up: Status::timed_out, unless it was done meanwhile.
void cancel(Core& core, Operation& op);

// The kinds, each in a file of its own. What is not here waits for nothing.
Step start_value(Core& core, Operation& op);
Step start_mutex(Core& core, Operation& op);
Step resume_mutex(Core& core, Operation& op);
void cancel_mutex(Core& core, Operation& op);
Step start_semaphore(Core& core, Operation& op);
Step start_event(Core& core, Operation& op);
Step resume_event(Core& core, Operation& op);
Step start_barrier(Core& core, Operation& op);
Step resume_barrier(Core& core, Operation& op);
void cancel_barrier(Core& core, Operation& op);
Step start_condition(Core& core, Operation& op);
Step start_queue(Core& core, Operation& op);
void cancel_queue(Core& core, Operation& op);

}  // namespace paceline::sync
