#include <paceline/event.hpp>

#include "library/sync/core.hpp"

namespace paceline {
namespace sync {
namespace {

EventState& event_of(ObjectState& state) { return static_cast<EventState&>(state); }

enum EventVerb : std::uint32_t { set_it, clear_it, ask, wait_for_it };

class EventType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "event"; }
  Step start(Core& core, Operation& op) const override;
  // From not set, the word changes only by being set.
  Step resume(Core& /*core*/, Operation& op) const override { return op.finish(Status::done); }
  void cancel(Core& /*core*/, Operation& op) const override { op.finish(Status::timed_out); }
};

Step EventType::start(Core& core, Operation& op) const {
  auto& bell = event_of(core.state(op.call.object)).bell;
  auto word = bell.word.load();
  switch (op.call.verb) {
    case set_it:
      while ((word & 1U) == 0 && !bell.word.compare_exchange_weak(word, word + 3)) {
      }
      bell.ring();
      return op.finish(Status::done);
    case clear_it: bell.word.fetch_and(~1U); return op.finish(Status::done);
    default: break;
  }
  if (op.call.verb == ask || (word & 1U) != 0) return op.finish(Status::done, word & 1U);
  if (op.call.timeout == 0) return op.finish(Status::timed_out);
  return op.wait_for(bell, word);
}

}  // namespace

const ObjectType& event_type() {
  static const EventType type;
  return type;
}

}  // namespace sync

Event::Event(const Domain& domain, std::string name) : SharedObject(domain, sync::Kind::event, std::move(name)) {}

void Event::set() {
  sync::Operation op;
  op.call = {sync::Kind::event, sync::set_it, core().slot().agent, id()};
  core().perform(op);
}

void Event::clear() {
  sync::Operation op;
  op.call = {sync::Kind::event, sync::clear_it, core().slot().agent, id()};
  core().perform(op);
}

bool Event::is_set() const {
  if (state() != nullptr) return (sync::event_of(*state()).bell.word.load() & 1U) != 0;
  sync::Operation op;
  op.call = {sync::Kind::event, sync::ask, core().slot().agent, id()};
  core().perform(op);
  return op.value != 0;
}

bool Event::wait(sync::Timeout timeout) const {
  sync::Operation op;
  op.call = {sync::Kind::event, sync::wait_for_it, core().slot().agent, id(), timeout};
  core().perform(op);
  return op.status == sync::Status::done;
}

}  // namespace paceline
