#include <paceline/semaphore.hpp>

#include <fmt/format.h>

#include "library/sync/core.hpp"

namespace paceline {
namespace sync {
namespace {

enum SemaphoreVerb : std::uint32_t { acquire, release };

class SemaphoreType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "semaphore"; }
  void initialise(ObjectState& state, std::uint64_t first, std::uint64_t second) const override {
    static_cast<SemaphoreState&>(state).units = static_cast<std::int64_t>(first);
    static_cast<SemaphoreState&>(state).most = static_cast<std::int64_t>(second);
  }
  Step start(Core& core, Operation& op) const override;
};

// There are units only while no thread waits: they are handed to those who do.
Step SemaphoreType::start(Core& core, Operation& op) const {
  auto& semaphore = static_cast<SemaphoreState&>(core.state(op.call.object));
  const ObjectLock locked(semaphore);
  if (op.call.verb == release) {
    auto units = static_cast<std::int64_t>(op.call.first);
    if (units > semaphore.most - semaphore.units) {
      return op.fail(Error(ErrorKind::failure,
                           fmt::format("{} was given {} units too many", title_of(semaphore),
                                       units - (semaphore.most - semaphore.units)),
                           fmt::format("at most {} can be free", semaphore.most))
                         .what());
    }
    for (; units > 0; --units) {
      const auto next = core.grant_first(semaphore, 0);
      if (next == 0) break;
      core.agent(next - 1).bell.ring();
    }
    semaphore.units += units;
    return op.finish(Status::done);
  }
  if (semaphore.units > 0) {
    --semaphore.units;
    return op.finish(Status::done);
  }
  if (op.call.timeout == 0) return op.finish(Status::timed_out);
  core.push(semaphore, 0, op.call.agent);
  return op.wait_for(core.agent(op.call.agent).bell, static_cast<std::uint32_t>(Wake::waiting));
}

}  // namespace

const ObjectType& semaphore_type() {
  static const SemaphoreType type;
  return type;
}

}  // namespace sync

Semaphore::Semaphore(const Domain& domain, std::int64_t initial, std::string name)
    : Semaphore(domain, initial, INT64_MAX, std::move(name)) {}

Semaphore::Semaphore(const Domain& domain, std::int64_t initial, std::int64_t most, std::string name)
    : SharedObject(domain, sync::Kind::semaphore, name,
                   {.first = static_cast<std::uint64_t>(initial),
                    .second = static_cast<std::uint64_t>(most),
                    .problem = sync::problem_unless(
                        initial >= 0, fmt::format("semaphore \"{}\" can't have {} units", name, initial))}) {}

bool Semaphore::acquire(sync::Timeout timeout) {
  sync::Operation op;
  op.call = {sync::Kind::semaphore, sync::acquire, core().slot().agent, id(), timeout};
  core().perform(op);
  return op.status == sync::Status::done;
}

void Semaphore::release(std::int64_t units) {
  if (units < 0) {
    throw Error(ErrorKind::failure, fmt::format("semaphore \"{}\" can't be given {} units", name(), units));
  }
  sync::Operation op;
  op.call = {sync::Kind::semaphore, sync::release,
             core().slot().agent,   id(),
             sync::forever,         static_cast<std::uint64_t>(units)};
  core().perform(op);
}

}  // namespace paceline
