#include <paceline/event.hpp>

#include "library/sync/core.hpp"

namespace paceline {
namespace sync {
namespace {

EventState& event_of(ObjectState& state) { return static_cast<EventState&>(state); }

}  // namespace

Step start_event(Core& core, Operation& op) {
  auto& bell = event_of(core.state(op.call.object)).bell;
  auto word = bell.word.load();
  switch (op.call.verb) {
    case Verb::event_set:
      while ((word & 1U) == 0 && !bell.word.compare_exchange_weak(word, word + 3)) {
      }
      bell.ring();
      return op.finish(Status::done);
    case Verb::event_clear: bell.word.fetch_and(~1U); return op.finish(Status::done);
    default: break;
  }
  if (op.call.verb == Verb::event_is_set || (word & 1U) != 0) return op.finish(Status::done, word & 1U);
  if (op.call.timeout == 0) return op.finish(Status::timed_out);
  return op.wait_for(bell, word);
}

// From not set, the word changes only by being set.
Step resume_event(Core& /*core*/, Operation& op) { return op.finish(Status::done); }

}  // namespace sync

Event::Event(const Domain& domain, std::string name) : SharedObject(domain, sync::Kind::event, std::move(name)) {}

void Event::set() {
  sync::Operation op;
  op.call = {sync::Verb::event_set, core().slot().agent, id()};
  core().perform(op);
}

void Event::clear() {
  sync::Operation op;
  op.call = {sync::Verb::event_clear, core().slot().agent, id()};
  core().perform(op);
}

bool Event::is_set() const {
  if (state() != nullptr) return (sync::event_of(*state()).bell.word.load() & 1U) != 0;
  sync::Operation op;
  op.call = {sync::Verb::event_is_set, core().slot().agent, id()};
  core().perform(op);
  return op.value != 0;
}

bool Event::wait(sync::Timeout timeout) const {
  sync::Operation op;
  op.call = {sync::Verb::event_wait, core().slot().agent, id(), 0, timeout};
  core().perform(op);
  return op.status == sync::Status::done;
}

}  // namespace paceline
