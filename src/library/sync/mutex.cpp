#include <paceline/mutex.hpp>

#include <fmt/format.h>

#include "library/sync/core.hpp"
#include "library/sync/deadlock.hpp"
#include "library/sync/liveness_check.hpp"

namespace paceline {

using sync::MutexState;
using sync::Operation;
using sync::Status;

namespace sync {
namespace {

enum MutexVerb : std::uint32_t { take, give_back };

class MutexType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "mutex"; }
  Step start(Core& core, Operation& op) const override;
  Step resume(Core& core, Operation& op) const override;
  void cancel(Core& core, Operation& op) const override;
  void check(Core& core, Operation& op, std::chrono::nanoseconds waited) const override {
    check_holder(core, op, waited);
    if (op.error.empty() && op.call.timeout < 0) tell_of_deadlock(core, op.call.agent);
  }
};

MutexState& mutex_of(Core& core, const Operation& op) { return static_cast<MutexState&>(core.state(op.call.object)); }

void set_wanted(Agent& agent, std::uint32_t lock_plus_one) {
  agent.wants = ((agent.wants.load() >> 32) + 1) << 32 | lock_plus_one;
}

// Under the mutex.
void clear_queued_if_empty(MutexState& mutex) {
  if (mutex.lists[0].first == 0) mutex.owner.fetch_and(~MutexState::queued);
}

Step lock(Core& core, Operation& op) {
  auto& mutex = mutex_of(core, op);
  const auto mine = op.call.agent + 1;
  auto& agent = core.agent(op.call.agent);
  if ((mutex.owner.load() & ~MutexState::queued) == mine) {
    return op.fail(Error(ErrorKind::failure, fmt::format("deadlock of {}", core.name_of(op.call.agent)),
                         fmt::format("it has {} and waits for it again", title_of(mutex)))
                       .what());
  }
  const ObjectLock locked(mutex);
  for (auto owner = mutex.owner.load();;) {
    if (owner == 0) {
      if (mutex.owner.compare_exchange_weak(owner, mine)) return op.finish(Status::done);
    } else if (op.call.timeout == 0) {
      return op.finish(Status::timed_out);
    } else if (mutex.owner.compare_exchange_weak(owner, owner | MutexState::queued)) {
      break;
    }
  }
  core.push(mutex, 0, op.call.agent);
  if (op.call.timeout < 0) set_wanted(agent, op.call.object + 1);
  return op.wait_for(agent.bell, static_cast<std::uint32_t>(Wake::waiting));
}

Step unlock(Core& core, Operation& op) {
  auto& mutex = mutex_of(core, op);
  auto mine = op.call.agent + 1;
  if ((mutex.owner.load() & ~MutexState::queued) != mine) {
    return op.fail(Error(ErrorKind::failure, fmt::format("{} unlocks {}", core.name_of(op.call.agent), title_of(mutex)),
                         "it does not have it")
                       .what());
  }
  if (mutex.owner.compare_exchange_strong(mine, 0)) return op.finish(Status::done);
  std::uint32_t next = 0;
  {
    const ObjectLock locked(mutex);
    // The new owner is named before its bell says so, since it goes on at once. One whose bell can't be changed any
    // more has given up. Nobody else changes an owner with `queued` in it but under this mutex.
    do {
      next = core.pop(mutex, 0);
      mutex.owner = next | (mutex.lists[0].first != 0 ? MutexState::queued : 0);
    } while (next != 0 && !core.grant(next - 1));
  }
  if (next != 0) core.agent(next - 1).bell.ring();
  return op.finish(Status::done);
}

Step MutexType::start(Core& core, Operation& op) const {
  return op.call.verb == take ? lock(core, op) : unlock(core, op);
}

Step MutexType::resume(Core& core, Operation& op) const {
  auto& agent = core.agent(op.call.agent);
  auto& mutex = mutex_of(core, op);
  const bool is_granted = agent.bell.word.load() == static_cast<std::uint32_t>(Wake::granted);
  if (op.call.timeout < 0) set_wanted(agent, 0);
  if (is_granted) return op.finish(Status::done);
  {
    const ObjectLock locked(mutex);
    core.remove(mutex, op.call.agent);
    clear_queued_if_empty(mutex);
  }
  return op.fail(report_for(core, op.call.agent));
}

void MutexType::cancel(Core& core, Operation& op) const {
  auto& mutex = mutex_of(core, op);
  if (op.call.timeout < 0) set_wanted(core.agent(op.call.agent), 0);
  const ObjectLock locked(mutex);
  if (core.remove(mutex, op.call.agent)) {
    clear_queued_if_empty(mutex);
    op.finish(Status::timed_out);
  } else {
    op.finish(Status::done);
  }
}

}  // namespace

const ObjectType& mutex_type() {
  static const MutexType type;
  return type;
}

}  // namespace sync

Mutex::Mutex(const Domain& domain, std::string name) : SharedObject(domain, sync::Kind::mutex, std::move(name)) {}

Mutex::~Mutex() {
  // Those who wait for it are told; they can't be told more than that this rank has destroyed it.
  if (state() == nullptr) return;
  auto& mutex = static_cast<MutexState&>(*state());
  const auto owner = mutex.owner.load() & ~MutexState::queued;
  if (owner != 0 && core().rank_of(owner - 1) == core().comm().rank()) mutex.destroyed = 1;
}

void Mutex::lock() { lock(sync::forever); }

bool Mutex::try_lock() { return lock(0); }

bool Mutex::lock(sync::Timeout timeout) {
  auto& slot = core().slot();
  if (state() != nullptr) {
    std::uint32_t free = 0;
    auto& owner = static_cast<MutexState&>(*state()).owner;
    if (owner.compare_exchange_strong(free, slot.agent + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      ++slot.held;
      return true;
    }
  }
  Operation op;
  op.call = {sync::Kind::mutex, sync::take, slot.agent, id(), timeout};
  core().perform(op);
  if (op.status != Status::done) return false;
  ++slot.held;
  return true;
}

void Mutex::unlock() {
  auto& slot = core().slot();
  if (state() != nullptr) {
    auto mine = slot.agent + 1;
    auto& owner = static_cast<MutexState&>(*state()).owner;
    if (owner.compare_exchange_strong(mine, 0, std::memory_order_release, std::memory_order_relaxed)) {
      --slot.held;
      return;
    }
  }
  Operation op;
  op.call = {sync::Kind::mutex, sync::give_back, slot.agent, id()};
  try {
    core().perform(op);
  } catch (const Error&) {
    // Guards unlock in destructors: only wrong use is told here. That the state can't be reached, or is of no more use,
    // is told by the next call that would wait for it.
    if (op.status == Status::failed) throw;
  }
  --slot.held;
}

}  // namespace paceline
