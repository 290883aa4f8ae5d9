#include <paceline/queue.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "library/sync/core.hpp"

namespace paceline::sync {
namespace {

enum QueueVerb : std::uint32_t { push, pop, close, state_of, finish, join };

constexpr std::uint64_t head_bytes = sizeof(std::uint64_t);

class QueueType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "queue"; }
  void initialise(ObjectState& state, std::uint64_t first, std::uint64_t second) const override {
    static_cast<QueueState&>(state).most_items = first;
    static_cast<QueueState&>(state).ring_bytes = second;
  }
  Step start(Core& core, Operation& op) const override;
  Step resume(Core& core, Operation& op) const override { return start(core, op); }
  void cancel(Core& core, Operation& op) const override;
};

QueueState& queue_of(Core& core, const Operation& op) { return static_cast<QueueState&>(core.state(op.call.object)); }

// Under the object's mutex, like all below. Who is granted looks again and may find that another was faster; then it
// waits on.
void wake_one(Core& core, QueueState& queue, std::uint32_t list) {
  const auto next = core.grant_first(queue, list);
  if (next != 0) core.agent(next - 1).bell.ring();
}

Step wait_in(Core& core, Operation& op, QueueState& queue, std::uint32_t list) {
  if (op.call.timeout == 0) return op.finish(Status::timed_out);
  core.push(queue, list, op.call.agent);
  return op.wait_for(core.agent(op.call.agent).bell, static_cast<std::uint32_t>(Wake::waiting));
}

/// Calls `copy(ring, bytes, done)` for the one or two parts of the ring from `at` on.
template <class Copy>
void each_part(Core& core, const Operation& op, const QueueState& queue, std::uint64_t at, std::uint64_t size,
               const Copy& copy) {
  auto* const ring = core.more_of(op.call.object);
  at %= queue.ring_bytes;
  const auto first = std::min(size, queue.ring_bytes - at);
  copy(ring + at, first, std::uint64_t{0});
  if (first < size) copy(ring, size - first, first);
}
void write(Core& core, const Operation& op, const QueueState& queue, std::uint64_t at, const void* data,
           std::uint64_t size) {
  each_part(core, op, queue, at, size, [&](std::byte* ring, std::uint64_t bytes, std::uint64_t done) {
    std::memcpy(ring, static_cast<const std::byte*>(data) + done, bytes);
  });
}
void read(Core& core, const Operation& op, const QueueState& queue, std::uint64_t at, void* data, std::uint64_t size) {
  each_part(core, op, queue, at, size, [&](const std::byte* ring, std::uint64_t bytes, std::uint64_t done) {
    std::memcpy(static_cast<std::byte*>(data) + done, ring, bytes);
  });
}

Step push_item(Core& core, Operation& op, QueueState& queue) {
  const std::uint64_t size = op.in.size();
  if (queue.closed != 0) return op.finish(Status::closed);
  if (head_bytes + size > queue.ring_bytes) {
    return op.fail(Error(ErrorKind::failure, fmt::format("{} can't hold an item of {} bytes", title_of(queue), size),
                         fmt::format("it has room for {} bytes", queue.ring_bytes - head_bytes))
                       .what());
  }
  if (queue.count == queue.most_items || queue.used_bytes + head_bytes + size > queue.ring_bytes) {
    return wait_in(core, op, queue, QueueState::pushers);
  }
  const auto at = queue.first + queue.used_bytes;
  write(core, op, queue, at, &size, head_bytes);
  if (size > 0) write(core, op, queue, at + head_bytes, op.in.data(), size);
  queue.used_bytes += head_bytes + size;
  ++queue.count;
  ++queue.unfinished;
  wake_one(core, queue, QueueState::poppers);
  // One large item that was popped may have made room for several small ones.
  if (queue.count < queue.most_items) wake_one(core, queue, QueueState::pushers);
  return op.finish(Status::done);
}

Step pop_item(Core& core, Operation& op, QueueState& queue) {
  if (queue.count == 0) {
    return queue.closed != 0 ? op.finish(Status::closed) : wait_in(core, op, queue, QueueState::poppers);
  }
  std::uint64_t size = 0;
  read(core, op, queue, queue.first, &size, head_bytes);
  op.give(size, [&](std::byte* to) { read(core, op, queue, queue.first + head_bytes, to, size); });
  queue.first = (queue.first + head_bytes + size) % queue.ring_bytes;
  queue.used_bytes -= head_bytes + size;
  --queue.count;
  wake_one(core, queue, QueueState::pushers);
  return op.finish(Status::done);
}

Step close_queue(Core& core, Operation& op, QueueState& queue) {
  queue.closed = 1;
  for (const auto list : {QueueState::pushers, QueueState::poppers}) {
    while (queue.lists[list].first != 0) wake_one(core, queue, list);
  }
  return op.finish(Status::done);
}

Step finish_item(Operation& op, QueueState& queue) {
  if (queue.unfinished == 0) {
    return op.fail(Error(ErrorKind::failure, fmt::format("{} has no item to be finished", title_of(queue)),
                         "task_done() was called more often than an item was pushed")
                       .what());
  }
  if (--queue.unfinished == 0) {
    queue.finished.word.fetch_add(1);
    queue.finished.ring();
  }
  return op.finish(Status::done);
}

Step join_items(Operation& op, QueueState& queue) {
  if (queue.unfinished == 0) return op.finish(Status::done);
  if (op.call.timeout == 0) return op.finish(Status::timed_out);
  return op.wait_for(queue.finished, queue.finished.word.load());
}

Step act(Core& core, Operation& op, QueueState& queue) {
  switch (op.call.verb) {
    case push: return push_item(core, op, queue);
    case pop: return pop_item(core, op, queue);
    case close: return close_queue(core, op, queue);
    case finish: return finish_item(op, queue);
    case join: return join_items(op, queue);
    default: return op.finish(Status::done, queue.count << 1 | queue.closed);
  }
}

Step QueueType::start(Core& core, Operation& op) const {
  auto& queue = queue_of(core, op);
  const ObjectLock locked(queue);
  return act(core, op, queue);
}

void QueueType::cancel(Core& core, Operation& op) const {
  auto& queue = queue_of(core, op);
  const ObjectLock locked(queue);
  if (op.call.verb != join && core.remove(queue, op.call.agent)) {
    op.finish(Status::timed_out);
    return;
  }
  // Granted meanwhile: what it was granted for must not be left lying while others sleep.
  op.call.timeout = 0;
  act(core, op, queue);
}

}  // namespace

const ObjectType& queue_type() {
  static const QueueType type;
  return type;
}

ByteQueue::ByteQueue(const Domain& domain, const QueueRoom& room, std::string name)
    : SharedObject(domain, Kind::queue, name,
                   {room.items, room.bytes, room.bytes,
                    problem_unless(room.items >= 1 && room.bytes > head_bytes && room.bytes < std::size_t{1} << 40,
                                   fmt::format("queue \"{}\" can't have room for {} items of {} bytes in all", name,
                                               room.items, room.bytes))}) {}

Operation ByteQueue::perform(std::uint32_t verb, Timeout timeout, std::span<const std::byte> in,
                             std::span<std::byte> out) const {
  Operation op;
  op.call = {Kind::queue, verb, core().slot().agent, id(), timeout};
  op.in = in;
  op.out = out;
  core().perform(op);
  return op;
}

void ByteQueue::close() { perform(sync::close, forever); }
bool ByteQueue::is_closed() const { return (perform(state_of, forever).value & 1U) != 0; }
std::size_t ByteQueue::size() const { return perform(state_of, forever).value >> 1; }
void ByteQueue::task_done() { perform(finish, forever); }
bool ByteQueue::join(Timeout timeout) const { return perform(sync::join, timeout).status == Status::done; }

bool ByteQueue::push(std::span<const std::byte> item, Timeout timeout) {
  const auto status = perform(sync::push, timeout, item).status;
  if (status == Status::closed) {
    throw Error(ErrorKind::failure, fmt::format("queue \"{}\" is closed", name()), "an item was pushed after close()");
  }
  return status == Status::done;
}

bool ByteQueue::pop(std::span<std::byte> item, Timeout timeout) {
  return perform(sync::pop, timeout, {}, item).status == Status::done;
}

std::optional<Bytes> ByteQueue::pop(Timeout timeout) {
  auto op = perform(sync::pop, timeout);
  if (op.status != Status::done) return std::nullopt;
  return std::move(op.out_bytes);
}

}  // namespace paceline::sync
