// A bounded queue between ranks: many push, many pop, and close() instead of sentinels.
#pragma once

#include <array>
#include <bit>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include <paceline/domain.hpp>
#include <paceline/error.hpp>

namespace paceline {

namespace sync {

/// A ring of items of so many bytes.
class ByteQueue : public SharedObject {
 public:
  /// Nobody pushes any more; what is there is still popped. Any rank, any number of times.
  void close();
  [[nodiscard]] bool is_closed() const;
  /// Number of items that are there; others may change it at any time.
  [[nodiscard]] std::size_t size() const;

 protected:
  enum class Outcome { done, timed_out, closed };

  ByteQueue(const Domain& domain, std::size_t capacity, std::size_t item_bytes, std::string name);
  ~ByteQueue() = default;
  Outcome push(std::span<const std::byte> item, Timeout timeout);
  Outcome pop(std::span<std::byte> item, Timeout timeout);
  /// Outcome::closed is thrown as an Error.
  bool push_or_throw(std::span<const std::byte> item, Timeout timeout);
};

}  // namespace sync

/// First in, first out, for all threads of all ranks; T is trivially copyable. push() waits while `capacity` items are
/// there, pop() while none is: that is the back-pressure. A loop over all of it, on any number of ranks:
///
///     while (const auto item = queue.pop()) use(*item);
///
/// Waiting calls throw Error naming a rank of the communicator that has died, since it may be the one waited for.
/// Memory: a push happens before the pop of its item. Cost: a mutex and a copy at home, a question and answer between
/// nodes. The ring is capacity * sizeof(T) bytes of the home node.
template <class T>
class Queue : public sync::ByteQueue {
  static_assert(std::is_trivially_copyable_v<T>, "what goes from rank to rank must be plain bytes");

 public:
  /// Collective, and so is destruction. `capacity`: at least 1.
  Queue(const Domain& domain, std::size_t capacity, std::string name = "queue")
      : ByteQueue(domain, capacity, sizeof(T), std::move(name)) {}

  /// Throws Error if the queue is closed, before or while it waits.
  void push(const T& value) { push_or_throw(bytes_of(value), sync::forever); }
  /// Returns false when there is no room (in time). Throws Error if the queue is closed.
  bool try_push(const T& value) { return push_or_throw(bytes_of(value), 0); }
  template <class Rep, class Period>
  bool try_push_for(const T& value, const std::chrono::duration<Rep, Period>& duration) {
    return push_or_throw(bytes_of(value), sync::timeout_of(duration));
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
  static std::span<const std::byte> bytes_of(const T& value) { return std::as_bytes(std::span<const T, 1>(&value, 1)); }
  std::optional<T> pop(sync::Timeout timeout) {
    std::array<std::byte, sizeof(T)> bytes;
    if (ByteQueue::pop(bytes, timeout) != Outcome::done) return std::nullopt;
    return std::bit_cast<T>(bytes);
  }
};

}  // namespace paceline
