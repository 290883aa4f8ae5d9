// A number that all ranks see and change without a lock.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <string>
#include <type_traits>

#include <paceline/aggregate.hpp>
#include <paceline/domain.hpp>

namespace paceline {

namespace sync {

/// What fetch() does at home: the old value is returned, the new one is made of it and an operand.
enum class Change : std::uint32_t {
  load,
  exchange,
  add_64,
  add_32,
  add_16,
  add_8,
  add_double,
  add_float,
  bit_and,
  bit_or,
  bit_xor,
  compare_exchange,
};

/// Every value is 8 bytes of the home node.
class SharedCell : public SharedObject {
 protected:
  SharedCell(const Domain& domain, std::string name, std::uint64_t initial);
  ~SharedCell() = default;
  std::uint64_t fetch(Change change, std::uint64_t operand, std::uint64_t expected = 0) const;

 private:
  std::uint64_t* here_ = nullptr;  ///< nothing on ranks that are not at home
};

}  // namespace sync

/// A shared value of a trivially copyable type of at most 8 bytes, with std::atomic's names. Every operation is one
/// atomic at home (0.01 microseconds alone, 0.1 when others write too) and one question and answer between nodes (tens
/// of microseconds). Memory order: sequentially consistent; so a value can publish what is in a SharedArray.
/// Arithmetic, for int64, uint64 and double, wraps like std::atomic's.
template <class T>
class Value : public sync::SharedCell {
  static_assert(detail::MadeOfBytes<T> && sizeof(T) <= 8,
                "a shared value is at most 8 bytes, and no address: it means nothing on another rank");
  static constexpr bool is_number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
  static constexpr bool is_integer = std::is_integral_v<T>;

 public:
  /// Collective, and so is destruction. All must bring the same initial value; rank 0's counts.
  explicit Value(const Domain& domain, T initial = {}, std::string name = "value")
      : SharedCell(domain, std::move(name), bits(initial)) {}

  [[nodiscard]] T load() const { return value(fetch(sync::Change::load, 0)); }
  void store(T desired) { fetch(sync::Change::exchange, bits(desired)); }
  T exchange(T desired) { return value(fetch(sync::Change::exchange, bits(desired))); }
  /// Stores `desired` if the value is, bit for bit, `expected`; else puts what it is into `expected`.
  bool compare_exchange(T& expected, T desired) {
    const auto found = fetch(sync::Change::compare_exchange, bits(desired), bits(expected));
    if (found == bits(expected)) return true;
    expected = value(found);
    return false;
  }

  /// Returns the value before.
  T fetch_add(T operand) requires is_number { return value(fetch(addition(), bits(operand))); }
  T fetch_sub(T operand) requires is_number { return fetch_add(static_cast<T>(T{} - operand)); }
  // As std::atomic's, these return the value after, but x++ and x-- that before.
  T operator+=(T operand) requires is_number { return static_cast<T>(fetch_add(operand) + operand); }
  T operator-=(T operand) requires is_number { return static_cast<T>(fetch_sub(operand) - operand); }
  T operator++() requires is_number { return *this += T{1}; }
  T operator--() requires is_number { return *this -= T{1}; }
  T operator++(int) requires is_number { return fetch_add(T{1}); }
  T operator--(int) requires is_number { return fetch_sub(T{1}); }
  T fetch_and(T operand) requires is_integer { return value(fetch(sync::Change::bit_and, bits(operand))); }
  T fetch_or(T operand) requires is_integer { return value(fetch(sync::Change::bit_or, bits(operand))); }
  T fetch_xor(T operand) requires is_integer { return value(fetch(sync::Change::bit_xor, bits(operand))); }

  /// Replaces the value x by change(x), which may be called again when others were faster. Returns the value before.
  template <class Function>
  T fetch_update(Function&& change) {
    T seen = load();
    while (!compare_exchange(seen, std::invoke(change, seen))) {
    }
    return seen;
  }
  T fetch_min(T operand) requires std::is_arithmetic_v<T> {
    return fetch_update([&](T x) { return std::min(x, operand); });
  }
  T fetch_max(T operand) requires std::is_arithmetic_v<T> {
    return fetch_update([&](T x) { return std::max(x, operand); });
  }

 private:
  static constexpr sync::Change addition() {
    if constexpr (std::is_floating_point_v<T>) {
      return sizeof(T) == 8 ? sync::Change::add_double : sync::Change::add_float;
    } else {
      return sizeof(T) == 8   ? sync::Change::add_64
             : sizeof(T) == 4 ? sync::Change::add_32
             : sizeof(T) == 2 ? sync::Change::add_16
                              : sync::Change::add_8;
    }
  }
  static std::uint64_t bits(T object) {
    std::uint64_t all = 0;
    std::memcpy(&all, &object, sizeof object);
    return all;
  }
  static T value(std::uint64_t all) {
    std::array<std::byte, sizeof(T)> first;
    std::memcpy(first.data(), &all, sizeof(T));
    return std::bit_cast<T>(first);
  }
};

/// The common case: counts, tickets, next items.
using Counter = Value<std::int64_t>;

}  // namespace paceline
