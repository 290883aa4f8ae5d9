// Values as bytes, for tasks whose arguments and results go from rank to rank. Known here: numbers and all that is made
// of them alone, strings, the standard containers, pair, tuple, optional, variant, and aggregates of what is known.
// <paceline/cereal.hpp> adds every type that cereal knows; a type of one's own can also have a specialisation of
// Serialiser.
//
// All ranks run the same program, so bytes are those of memory: nothing is said of types, and nothing is converted.
// What holds addresses (pointers, references, string_view, span) is refused by the compiler.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <paceline/aggregate.hpp>
#include <paceline/bytes.hpp>

namespace paceline {

/// How a T becomes bytes and comes back: `write(ByteWriter&, const T&)` and `read(ByteReader&, T&)`, both static.
template <class T, class Enable = void>
struct Serialiser;

/// What may be an argument or a result of a task.
template <class T>
concept Serialisable = std::default_initializable<T> && requires(ByteWriter& writer, ByteReader& reader, T& value) {
  Serialiser<T>::write(writer, value);
  Serialiser<T>::read(reader, value);
};

template <class T>
void write_value(ByteWriter& writer, const T& value) {
  Serialiser<T>::write(writer, value);
}
template <class T>
void read_value(ByteReader& reader, T& value) {
  Serialiser<T>::read(reader, value);
}

namespace detail {

/// Of the kinds that have a specialisation below; they may hold anything, so it depends on what they hold.
template <class T>
inline constexpr bool is_compound = false;
template <class A, class B>
inline constexpr bool is_compound<std::pair<A, B>> = true;
template <class... T>
inline constexpr bool is_compound<std::tuple<T...>> = true;
template <class T>
inline constexpr bool is_compound<std::optional<T>> = true;
template <class... T>
inline constexpr bool is_compound<std::variant<T...>> = true;
template <class T, std::size_t n>
inline constexpr bool is_compound<std::array<T, n>> = true;

/// Goes as its bytes.
template <class T>
concept Plain = MadeOfBytes<T> && !is_compound<T>;

/// A container of the standard's shape, which owns its elements.
template <class T>
concept Container = std::ranges::sized_range<T> && !std::is_trivially_copyable_v<T> && requires(T & values) {
  typename T::value_type;
  values.clear();
  values.insert(values.end(), std::declval<typename T::value_type>());
};

/// The element of a container as it is read: a map's have const keys.
template <class T>
struct Element {
  using Type = T;
};
template <class K, class V>
struct Element<std::pair<const K, V>> {
  using Type = std::pair<K, V>;
};
template <class T>
using ElementOf = typename Element<typename T::value_type>::Type;

template <class Tuple>
inline constexpr bool is_all_serialisable = false;
template <class... T>
inline constexpr bool is_all_serialisable<std::tuple<T&...>> = (... && Serialisable<std::remove_const_t<T>>);
template <class T>
inline constexpr bool is_array_serialisable = false;
template <class T, std::size_t n>
inline constexpr bool is_array_serialisable<T[n]> = Serialisable<T>;

/// An aggregate whose members are written one by one.
template <class T>
concept ByMembers = !MadeOfBytes<T> && !is_compound<T> && !std::ranges::range<T> && Aggregate<T> &&
                    is_all_serialisable<decltype(tie_members(std::declval<T&>()))>;

/// What this header has a specialisation for.
template <class T>
inline constexpr bool is_known = Plain<T> || is_compound<T> || std::is_array_v<T> || Container<T> || ByMembers<T>;

/// Goes as its bytes, and has no Serialiser of its own: an array of them goes as one block.
template <class T>
concept Copied = requires {
  requires Serialiser<T>::copies_bytes;
};

}  // namespace detail

template <class T>
requires detail::Plain<T>
struct Serialiser<T> {
  static constexpr bool copies_bytes = true;
  static void write(ByteWriter& writer, const T& value) { writer.write(&value, sizeof value); }
  static void read(ByteReader& reader, T& value) { reader.read(&value, sizeof value); }
};

/// Arrays, also as members of aggregates.
template <class T, std::size_t n>
requires Serialisable<T>
struct Serialiser<T[n]> {
  static void write(ByteWriter& writer, const T (&values)[n]) {
    for (const auto& value : values) write_value<T>(writer, value);
  }
  static void read(ByteReader& reader, T (&values)[n]) {
    for (auto& value : values) read_value<T>(reader, value);
  }
};
template <class T, std::size_t n>
requires Serialisable<T>
struct Serialiser<std::array<T, n>> {
  static void write(ByteWriter& writer, const std::array<T, n>& values) {
    if constexpr (detail::Copied<T>) {
      writer.write(values.data(), sizeof values);
    } else {
      for (const auto& value : values) write_value(writer, value);
    }
  }
  static void read(ByteReader& reader, std::array<T, n>& values) {
    if constexpr (detail::Copied<T>) {
      reader.read(values.data(), sizeof values);
    } else {
      for (auto& value : values) read_value(reader, value);
    }
  }
};

/// string, vector, list, deque, set, map and their kin.
template <class T>
requires(detail::Container<T>&& Serialisable<detail::ElementOf<T>>) struct Serialiser<T> {
  using Element = detail::ElementOf<T>;
  /// Elements lie side by side in memory, as they are.
  static constexpr bool is_block = std::ranges::contiguous_range<T> && detail::Copied<Element>;

  static void write(ByteWriter& writer, const T& values) {
    write_value(writer, std::uint64_t{std::ranges::size(values)});
    if constexpr (is_block) {
      writer.write(std::ranges::data(values), std::ranges::size(values) * sizeof(Element));
    } else {
      // By a copy where elements are no objects (vector<bool>).
      for (const auto& value : values) write_value<Element>(writer, static_cast<const Element&>(value));
    }
  }
  static void read(ByteReader& reader, T& values) {
    std::uint64_t size = 0;
    read_value(reader, size);
    values.clear();
    if constexpr (is_block) {
      // Checked before memory is asked for: `size` may be nonsense.
      if (size > reader.left() / sizeof(Element)) (void)reader.take(reader.left() + 1);
      values.resize(size);
      reader.read(std::ranges::data(values), size * sizeof(Element));
    } else {
      for (std::uint64_t i = 0; i < size; ++i) {
        Element value{};
        read_value(reader, value);
        values.insert(values.end(), std::move(value));
      }
    }
  }
};

template <class T>
requires Serialisable<T>
struct Serialiser<std::optional<T>> {
  static void write(ByteWriter& writer, const std::optional<T>& value) {
    write_value(writer, value.has_value());
    if (value) write_value(writer, *value);
  }
  static void read(ByteReader& reader, std::optional<T>& value) {
    bool has_value = false;
    read_value(reader, has_value);
    value.reset();
    if (has_value) read_value(reader, value.emplace());
  }
};

template <class... T>
requires(...&& Serialisable<T>) struct Serialiser<std::variant<T...>> {
  static void write(ByteWriter& writer, const std::variant<T...>& value) {
    write_value(writer, std::uint64_t{value.index()});
    std::visit([&](const auto& held) { write_value(writer, held); }, value);
  }
  static void read(ByteReader& reader, std::variant<T...>& value) {
    std::uint64_t index = 0;
    read_value(reader, index);
    std::uint64_t k = 0;
    const bool is_known = (... || (k++ == index && (read_value(reader, value.template emplace<T>()), true)));
    if (!is_known) throw Error(ErrorKind::failure, "a message between ranks holds an unknown alternative of a variant");
  }
};

template <class A, class B>
requires(Serialisable<A>&& Serialisable<B>) struct Serialiser<std::pair<A, B>> {
  static void write(ByteWriter& writer, const std::pair<A, B>& pair) {
    write_value(writer, pair.first);
    write_value(writer, pair.second);
  }
  static void read(ByteReader& reader, std::pair<A, B>& pair) {
    read_value(reader, pair.first);
    read_value(reader, pair.second);
  }
};

template <class... T>
requires(...&& Serialisable<T>) struct Serialiser<std::tuple<T...>> {
  static void write(ByteWriter& writer, const std::tuple<T...>& tuple) {
    std::apply([&](const auto&... value) { (write_value(writer, value), ...); }, tuple);
  }
  static void read(ByteReader& reader, std::tuple<T...>& tuple) {
    std::apply([&](auto&... value) { (read_value(reader, value), ...); }, tuple);
  }
};

template <class T>
requires detail::ByMembers<T>
struct Serialiser<T> {
  static void write(ByteWriter& writer, const T& value) {
    std::apply([&](const auto&... member) { (write_value(writer, member), ...); }, detail::tie_members(value));
  }
  static void read(ByteReader& reader, T& value) {
    std::apply([&](auto&... member) { (read_value(reader, member), ...); }, detail::tie_members(value));
  }
};

}  // namespace paceline
