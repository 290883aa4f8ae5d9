#include "library/sync/operation.hpp"
#include "library/sync/core.hpp"

namespace paceline::sync {
namespace {

// For agents that wait in a list and, once granted, have what they wanted.
Step resume_granted(Core& core, Operation& op) {
  core.agent(op.call.agent).bell.word.store(static_cast<std::uint32_t>(Wake::idle), std::memory_order_relaxed);
  return op.finish(Status::done);
}

void cancel_in_list(Core& core, Operation& op) {
  auto& state = core.state(op.call.object);
  const ObjectLock locked(state);
  op.finish(core.remove(state, op.call.agent) ? Status::timed_out : Status::done);
}

}  // namespace

Step start(Core& core, Operation& op) {
  switch (op.call.verb) {
    case Verb::value_fetch: return start_value(core, op);
    case Verb::mutex_lock:
    case Verb::mutex_unlock: return start_mutex(core, op);
    case Verb::semaphore_acquire:
    case Verb::semaphore_release: return start_semaphore(core, op);
    case Verb::event_set:
    case Verb::event_clear:
    case Verb::event_is_set:
    case Verb::event_wait: return start_event(core, op);
    case Verb::barrier_arrive: return start_barrier(core, op);
    case Verb::condition_enter:
    case Verb::condition_wait:
    case Verb::condition_notify: return start_condition(core, op);
    case Verb::queue_push:
    case Verb::queue_pop:
    case Verb::queue_close:
    case Verb::queue_state: return start_queue(core, op);
    case Verb::agent_leaving: core.agent(op.call.agent).leaving = op.call.extra; return op.finish(Status::done);
  }
  return op.fail("an unknown operation was asked for");
}

Step resume(Core& core, Operation& op) {
  switch (op.call.verb) {
    case Verb::mutex_lock: return resume_mutex(core, op);
    case Verb::event_wait: return resume_event(core, op);
    case Verb::barrier_arrive: return resume_barrier(core, op);
    case Verb::queue_push:
    case Verb::queue_pop: return start_queue(core, op);
    default: return resume_granted(core, op);
  }
}

void cancel(Core& core, Operation& op) {
  switch (op.call.verb) {
    case Verb::mutex_lock: return cancel_mutex(core, op);
    case Verb::event_wait: op.finish(Status::timed_out); return;
    case Verb::barrier_arrive: return cancel_barrier(core, op);
    case Verb::queue_push:
    case Verb::queue_pop: return cancel_queue(core, op);
    default: return cancel_in_list(core, op);
  }
}

}  // namespace paceline::sync
