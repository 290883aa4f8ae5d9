#include <paceline/condition.hpp>

#include "library/sync/core.hpp"

namespace paceline {
namespace sync {
namespace {

enum Verb : std::uint32_t { enter, stay, notify };

class ConditionType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "condition"; }
  Step start(Core& core, Operation& op) const override;
};

Step ConditionType::start(Core& core, Operation& op) const {
  auto& condition = core.state(op.call.object);
  auto& agent = core.agent(op.call.agent);
  constexpr auto waiting = static_cast<std::uint32_t>(Wake::waiting);
  const ObjectLock locked(condition);
  switch (op.call.verb) {
    case enter: core.push(condition, 0, op.call.agent); return op.finish(Status::done);
    case notify:
      for (auto left = op.call.first; left > 0; --left) {
        const auto next = core.grant_first(condition, 0);
        if (next == 0) break;
        core.agent(next - 1).bell.ring();
      }
      return op.finish(Status::done);
    default: break;
  }
  if (agent.bell.word.load() != waiting) return op.finish(Status::done);
  if (op.call.timeout == 0) {
    core.remove(condition, op.call.agent);
    return op.finish(Status::timed_out);
  }
  return op.wait_for(agent.bell, waiting);
}

}  // namespace

const ObjectType& condition_type() {
  static const ConditionType type;
  return type;
}

}  // namespace sync

Condition::Condition(const Domain& domain, std::string name)
    : SharedObject(domain, sync::Kind::condition, std::move(name)) {}

bool Condition::wait(std::unique_lock<Mutex>& lock, sync::Timeout timeout) {
  sync::Operation enter, stay;
  const auto agent = core().slot().agent;
  enter.call = {sync::Kind::condition, sync::enter, agent, id()};
  stay.call = {sync::Kind::condition, sync::stay, agent, id(), timeout};
  // A thread that enters before the lock is free misses no notification.
  core().perform(enter);
  try {
    lock.unlock();
  } catch (...) {
    stay.call.timeout = 0;
    core().perform(stay);
    throw;
  }
  try {
    core().perform(stay);
  } catch (...) {
    lock.lock();
    throw;
  }
  lock.lock();
  return stay.status == sync::Status::done;
}

void Condition::notify(std::uint64_t most) {
  sync::Operation op;
  op.call = {sync::Kind::condition, sync::notify, core().slot().agent, id(), sync::forever, most};
  core().perform(op);
}

}  // namespace paceline
