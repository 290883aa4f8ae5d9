// A bounded queue between ranks: many push, many pop, and close() instead of sentinels.
#pragma once

#include <array>
#include <bit>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include <paceline/domain.hpp>
#include <paceline/serialise.hpp>

namespace paceline {

/// What a queue has room for at the same time. Each item takes 8 bytes more than its own.
struct QueueRoom {
  std::size_t items = SIZE_MAX;
  std::size_t bytes = std::size_t{1} << 20;
};

namespace sync {

struct Operation;

/// A ring of items of any size.
class ByteQueue : public SharedObject {
 public:
  /// No more pushes; what is there is still popped. Any rank, any number of times.
  void close();
  [[nodiscard]] bool is_closed() const;
  /// Number of items that are there; others may change it at any time.
  [[nodiscard]] std::size_t size() const;

  /// Says that an item which was popped has been dealt with. Throws Error if that was said of all.
  void task_done();
  /// Waits until task_done() was called for every item that was pushed.
  void join() const { join(forever); }
  /// Returns whether that was so in time.
  template <class Rep, class Period>
  [[nodiscard]] bool join_for(const std::chrono::duration<Rep, Period>& duration) const {
    return join(timeout_of(duration));
  }

 protected:
  ByteQueue(const Domain& domain, const QueueRoom& room, std::string name);
  ~ByteQueue() = default;
  /// False: too late. Throws Error if the queue is closed.
  bool push(std::span<const std::byte> item, Timeout timeout);
  /// Of an item of just this size. False: too late, or closed and empty.
  bool pop(std::span<std::byte> item, Timeout timeout);
  std::optional<Bytes> pop(Timeout timeout);

 private:
  bool join(Timeout timeout) const;
  Operation perform(std::uint32_t verb, Timeout timeout, std::span<const std::byte> in = {},
                    std::span<std::byte> out = {}) const;
};

}  // namespace sync

/// First in, first out, for all threads of all ranks; T is serialisable (serialise.hpp). push() waits while there is no
/// room, pop() while there is no item: that is the back-pressure. A loop over all of it, on any number of ranks:
///
///     while (const auto item = queue.pop()) use(*item);
///
/// Waiting calls throw Error naming a rank of the communicator that has died, since it may be the one waited for.
/// Memory: a push happens before the pop of its item. Cost: a lock and a copy at home, a question and answer between
/// nodes. The room is memory of the home node.
template <class T>
class Queue : public sync::ByteQueue {
  static_assert(Serialisable<T>,
                "what goes through a queue must be default constructible, own what it refers to, and "
                "be known to serialise.hpp, cereal.hpp or a Serialiser");

 public:
  /// Collective, and so is destruction. `capacity` items, at least 1, of a type that always takes the same bytes.
  Queue(const Domain& domain, std::size_t capacity, std::string name = "queue") requires detail::Copied<T>
      : ByteQueue(domain, {capacity, bytes_for(capacity)}, std::move(name)) {}
  /// The same for any type.
  Queue(const Domain& domain, const QueueRoom& room, std::string name = "queue")
      : ByteQueue(domain, room, std::move(name)) {}

  /// Throws Error if the queue is closed, before or while it waits.
  void push(const T& value) { push(value, sync::forever); }
  /// Returns false when there is no room (in time). Throws Error if the queue is closed.
  bool try_push(const T& value) { return push(value, 0); }
  template <class Rep, class Period>
  bool try_push_for(const T& value, const std::chrono::duration<Rep, Period>& duration) {
    return push(value, sync::timeout_of(duration));
  }

  /// Nothing: the queue is closed and empty, for good.
  std::optional<T> pop() { return pop(sync::forever); }
  /// Nothing: the queue is empty (until the time is over), closed or not.
  std::optional<T> try_pop() { return pop(0); }
  template <class Rep, class Period>
  std::optional<T> try_pop_for(const std::chrono::duration<Rep, Period>& duration) {
    return pop(sync::timeout_of(duration));
  }

 private:
  static std::size_t bytes_for(std::size_t capacity) {
    constexpr auto each = sizeof(T) + sizeof(std::uint64_t);
    return capacity < (std::size_t{1} << 40) / each ? capacity * each : SIZE_MAX;
  }
  bool push(const T& value, sync::Timeout timeout) {
    if constexpr (detail::Copied<T>) {
      return ByteQueue::push(std::as_bytes(std::span<const T, 1>(&value, 1)), timeout);
    } else {
      ByteWriter writer;
      write_value(writer, value);
      return ByteQueue::push(writer.take(), timeout);
    }
  }
  std::optional<T> pop(sync::Timeout timeout) {
    if constexpr (detail::Copied<T>) {
      std::array<std::byte, sizeof(T)> bytes;
      if (!ByteQueue::pop(bytes, timeout)) return std::nullopt;
      return std::bit_cast<T>(bytes);
    } else {
      const auto bytes = ByteQueue::pop(timeout);
      if (!bytes) return std::nullopt;
      ByteReader reader(*bytes);
      std::optional<T> value(std::in_place);
      read_value(reader, *value);
      return value;
    }
  }
};

}  // namespace paceline
