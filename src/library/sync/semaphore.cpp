#include <paceline/semaphore.hpp>

#include <fmt/format.h>

#include "library/sync/core.hpp"

namespace paceline {
namespace sync {

// There are units only while nobody waits: release() hands them to those who do.
Step start_semaphore(Core& core, Operation& op) {
  auto& semaphore = static_cast<SemaphoreState&>(core.state(op.call.object));
  const ObjectLock locked(semaphore);
  if (op.call.verb == Verb::semaphore_release) {
    auto units = static_cast<std::int64_t>(op.call.first);
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

}  // namespace sync

Semaphore::Semaphore(const Domain& domain, std::int64_t initial, std::string name)
    : SharedObject(domain, sync::Kind::semaphore, name, static_cast<std::uint64_t>(initial), 0, 0,
                   initial >= 0
                       ? std::nullopt
                       : std::optional(Error(ExitCode::failure,
                                             fmt::format("semaphore \"{}\" can't have {} units", name, initial)))) {}

bool Semaphore::acquire(sync::Timeout timeout) {
  sync::Operation op;
  op.call = {sync::Verb::semaphore_acquire, core().slot().agent, id(), 0, timeout};
  core().perform(op);
  return op.status == sync::Status::done;
}

void Semaphore::release(std::int64_t units) {
  if (units < 0) {
    throw Error(ExitCode::failure, fmt::format("semaphore \"{}\" can't be given {} units", name(), units));
  }
  sync::Operation op;
  op.call = {sync::Verb::semaphore_release,    core().slot().agent, id(), 0, sync::forever,
             static_cast<std::uint64_t>(units)};
  core().perform(op);
}

}  // namespace paceline
