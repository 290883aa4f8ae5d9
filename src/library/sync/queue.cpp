#include <paceline/queue.hpp>

#include <fmt/format.h>

#include <cstring>

#include "library/sync/core.hpp"

namespace paceline::sync {
namespace {

// Under the mutex, like all below. Who is granted looks again and may find that another was faster; then it waits on.
void wake_one(Core& core, QueueState& queue, std::uint32_t list) {
  const auto next = core.grant_first(queue, list);
  if (next != 0) core.agent(next - 1).bell.ring();
}

Step wait_in(Core& core, Operation& op, QueueState& queue, std::uint32_t list) {
  if (op.call.timeout == 0) return op.finish(Status::timed_out);
  core.push(queue, list, op.call.agent);
  return op.wait_for(core.agent(op.call.agent).bell, static_cast<std::uint32_t>(Wake::waiting));
}

std::byte* place(Core& core, const Operation& op, const QueueState& queue, std::uint64_t index) {
  return core.more_of(op.call.object) + (queue.first + index) % queue.capacity * queue.item_bytes;
}

Step push(Core& core, Operation& op, QueueState& queue) {
  if (queue.closed != 0) return op.finish(Status::closed);
  if (queue.count == queue.capacity) return wait_in(core, op, queue, QueueState::pushers);
  std::memcpy(place(core, op, queue, queue.count), op.in.data(), queue.item_bytes);
  ++queue.count;
  wake_one(core, queue, QueueState::poppers);
  return op.finish(Status::done);
}

Step pop(Core& core, Operation& op, QueueState& queue) {
  if (queue.count == 0) {
    return queue.closed != 0 ? op.finish(Status::closed) : wait_in(core, op, queue, QueueState::poppers);
  }
  std::memcpy(op.out.data(), place(core, op, queue, 0), queue.item_bytes);
  queue.first = (queue.first + 1) % queue.capacity;
  --queue.count;
  wake_one(core, queue, QueueState::pushers);
  return op.finish(Status::done);
}

Step close(Core& core, Operation& op, QueueState& queue) {
  queue.closed = 1;
  for (const auto list : {QueueState::pushers, QueueState::poppers}) {
    while (queue.lists[list].first != 0) wake_one(core, queue, list);
  }
  return op.finish(Status::done);
}

Step act(Core& core, Operation& op, QueueState& queue) {
  switch (op.call.verb) {
    case Verb::queue_push: return push(core, op, queue);
    case Verb::queue_pop: return pop(core, op, queue);
    case Verb::queue_close: return close(core, op, queue);
    default: return op.finish(Status::done, queue.count << 1 | queue.closed);
  }
}

}  // namespace

Step start_queue(Core& core, Operation& op) {
  auto& queue = static_cast<QueueState&>(core.state(op.call.object));
  const ObjectLock locked(queue);
  return act(core, op, queue);
}

void cancel_queue(Core& core, Operation& op) {
  auto& queue = static_cast<QueueState&>(core.state(op.call.object));
  const ObjectLock locked(queue);
  if (core.remove(queue, op.call.agent)) {
    op.finish(Status::timed_out);
    return;
  }
  // Granted meanwhile: what it was granted for must not be left lying while others sleep.
  op.call.timeout = 0;
  act(core, op, queue);
}

ByteQueue::ByteQueue(const Domain& domain, std::size_t capacity, std::size_t item_bytes, std::string name)
    : SharedObject(domain, Kind::queue, name, capacity, item_bytes, capacity * item_bytes,
                   capacity >= 1 && capacity < (std::size_t{1} << 40) / item_bytes
                       ? std::nullopt
                       : std::optional(Error(ExitCode::failure, fmt::format("queue \"{}\" can't have room for {} items",
                                                                            name, capacity)))) {}

void ByteQueue::close() {
  Operation op;
  op.call = {Verb::queue_close, core().slot().agent, id()};
  core().perform(op);
}

bool ByteQueue::is_closed() const {
  Operation op;
  op.call = {Verb::queue_state, core().slot().agent, id()};
  core().perform(op);
  return (op.value & 1U) != 0;
}

std::size_t ByteQueue::size() const {
  Operation op;
  op.call = {Verb::queue_state, core().slot().agent, id()};
  core().perform(op);
  return op.value >> 1;
}

ByteQueue::Outcome ByteQueue::push(std::span<const std::byte> item, Timeout timeout) {
  Operation op;
  op.call = {Verb::queue_push, core().slot().agent, id(), 0, timeout};
  op.in = item;
  core().perform(op);
  return op.status == Status::done ? Outcome::done : op.status == Status::closed ? Outcome::closed : Outcome::timed_out;
}

ByteQueue::Outcome ByteQueue::pop(std::span<std::byte> item, Timeout timeout) {
  Operation op;
  op.call = {Verb::queue_pop, core().slot().agent, id(), 0, timeout};
  op.out = item;
  core().perform(op);
  return op.status == Status::done ? Outcome::done : op.status == Status::closed ? Outcome::closed : Outcome::timed_out;
}

bool ByteQueue::push_or_throw(std::span<const std::byte> item, Timeout timeout) {
  const auto outcome = push(item, timeout);
  if (outcome == Outcome::closed) {
    throw Error(ExitCode::failure, fmt::format("queue \"{}\" is closed", name()), "an item was pushed after close()");
  }
  return outcome == Outcome::done;
}

}  // namespace paceline::sync
