#include "library/sync/operation.hpp"

#include "library/sync/core.hpp"
#include "library/sync/liveness_check.hpp"

namespace paceline::sync {
namespace {

class LeavingType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "thread"; }
  Step start(Core& core, Operation& op) const override {
    core.agent(op.call.agent).leaving = op.call.verb;
    return op.finish(Status::done);
  }
};

}  // namespace

Step ObjectType::resume(Core& core, Operation& op) const {
  core.agent(op.call.agent).bell.word.store(static_cast<std::uint32_t>(Wake::idle), std::memory_order_relaxed);
  return op.finish(Status::done);
}

void ObjectType::cancel(Core& core, Operation& op) const {
  auto& state = core.state(op.call.object);
  const ObjectLock locked(state);
  op.finish(core.remove(state, op.call.agent) ? Status::timed_out : Status::done);
}

void ObjectType::check(Core& core, Operation& op, std::chrono::nanoseconds /*waited*/) const {
  check_ranks(core, op, Needed::alive);
}

const ObjectType& leaving_type() {
  static const LeavingType type;
  return type;
}

const ObjectType& type_of(Kind kind) {
  switch (kind) {
    case Kind::value: return value_type();
    case Kind::mutex: return mutex_type();
    case Kind::semaphore: return semaphore_type();
    case Kind::event: return event_type();
    case Kind::barrier: return barrier_type();
    case Kind::condition: return condition_type();
    case Kind::queue: return queue_type();
    case Kind::leaving: break;
  }
  return leaving_type();
}

}  // namespace paceline::sync
