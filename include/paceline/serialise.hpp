// Values as bytes, for tasks whose arguments and results go from rank to rank. Known here: all trivially copyable types
// (not pointers), strings, vectors, optionals, pairs and tuples of what is known. <paceline/cereal.hpp> adds every type
// that cereal knows; a type of one's own can also have a specialisation of Serialiser.
//
// All ranks run the same program, so bytes are those of memory: nothing is said of types, and nothing is converted.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <paceline/error.hpp>

namespace paceline {

/// Bytes that grow at their end. Growing does not clear what will be written anyway.
class Writer {
 public:
  void write(const void* data, std::size_t size) {
    const auto at = bytes_.size();
    if (bytes_.capacity() - at < size) bytes_.reserve(at + size + bytes_.capacity());
    const auto* first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  /// Takes back what was written since there were `size` bytes.
  void truncate(std::size_t size) { bytes_.resize(size); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::vector<std::byte> take() { return std::exchange(bytes_, {}); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what a Writer wrote, in the same order. Throws Error (failure) at the end of the bytes.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  void read(void* data, std::size_t size) {
    if (size > left()) throw Error(ExitCode::failure, "a message between ranks is shorter than its values");
    if (size > 0) std::memcpy(data, bytes_.data() + at_, size);
    at_ += size;
  }
  [[nodiscard]] std::span<const std::byte> take(std::size_t size) {
    if (size > left()) throw Error(ExitCode::failure, "a message between ranks is shorter than its values");
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] std::size_t position() const { return at_; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

/// How a T becomes bytes and comes back: `write(Writer&, const T&)` and `read(Reader&, T&)`, both static.
template <class T, class Enable = void>
struct Serialiser;

namespace detail {

// Pairs and tuples may be trivially copyable by accident of the library; they always go member by member.
template <class T>
struct IsCompound : std::false_type {};
template <class A, class B>
struct IsCompound<std::pair<A, B>> : std::true_type {};
template <class... T>
struct IsCompound<std::tuple<T...>> : std::true_type {};
template <class T>
struct IsCompound<std::optional<T>> : std::true_type {};

/// Bytes of memory that mean the same on another rank. Pointers don't.
template <class T>
inline constexpr bool is_plain =
    std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_member_pointer_v<T> && !IsCompound<T>::value;

/// What this header has a specialisation for.
template <class T>
inline constexpr bool is_known = is_plain<T> || IsCompound<T>::value || std::is_same_v<T, std::string>;
template <class T>
inline constexpr bool is_known<std::vector<T>> = true;

}  // namespace detail

template <class T>
void write_value(Writer& writer, const T& value) {
  Serialiser<T>::write(writer, value);
}
template <class T>
void read_value(Reader& reader, T& value) {
  Serialiser<T>::read(reader, value);
}

template <class T>
struct Serialiser<T, std::enable_if_t<detail::is_plain<T>>> {
  static void write(Writer& writer, const T& value) { writer.write(&value, sizeof value); }
  static void read(Reader& reader, T& value) { reader.read(&value, sizeof value); }
};

template <>
struct Serialiser<std::string> {
  static void write(Writer& writer, const std::string& text) {
    write_value(writer, std::uint64_t{text.size()});
    writer.write(text.data(), text.size());
  }
  static void read(Reader& reader, std::string& text) {
    std::uint64_t size = 0;
    read_value(reader, size);
    const auto bytes = reader.take(size);
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
};

template <class T>
struct Serialiser<std::vector<T>> {
  static constexpr bool is_block = detail::is_plain<T> && !std::is_same_v<T, bool>;

  static void write(Writer& writer, const std::vector<T>& values) {
    write_value(writer, std::uint64_t{values.size()});
    if constexpr (is_block) {
      writer.write(values.data(), values.size() * sizeof(T));
    } else {
      for (const auto& value : values) write_value<T>(writer, value);
    }
  }
  static void read(Reader& reader, std::vector<T>& values) {
    std::uint64_t size = 0;
    read_value(reader, size);
    values.clear();
    if constexpr (is_block) {
      // Looked at before memory is asked for: `size` may be nonsense.
      if (size > reader.left() / sizeof(T)) (void)reader.take(reader.left() + 1);
      values.resize(size);
      reader.read(values.data(), size * sizeof(T));
    } else {
      for (std::uint64_t i = 0; i < size; ++i) {
        T value{};
        read_value(reader, value);
        values.push_back(std::move(value));
      }
    }
  }
};

template <class T>
struct Serialiser<std::optional<T>> {
  static void write(Writer& writer, const std::optional<T>& value) {
    write_value(writer, value.has_value());
    if (value) write_value(writer, *value);
  }
  static void read(Reader& reader, std::optional<T>& value) {
    bool has_value = false;
    read_value(reader, has_value);
    value.reset();
    if (has_value) read_value(reader, value.emplace());
  }
};

template <class A, class B>
struct Serialiser<std::pair<A, B>> {
  static void write(Writer& writer, const std::pair<A, B>& pair) {
    write_value(writer, pair.first);
    write_value(writer, pair.second);
  }
  static void read(Reader& reader, std::pair<A, B>& pair) {
    read_value(reader, pair.first);
    read_value(reader, pair.second);
  }
};

template <class... T>
struct Serialiser<std::tuple<T...>> {
  static void write(Writer& writer, const std::tuple<T...>& tuple) {
    std::apply([&](const auto&... value) { (write_value(writer, value), ...); }, tuple);
  }
  static void read(Reader& reader, std::tuple<T...>& tuple) {
    std::apply([&](auto&... value) { (read_value(reader, value), ...); }, tuple);
  }
};

/// What may be an argument or a result of a task.
template <class T>
concept Serialisable = std::default_initializable<T> && requires(Writer& writer, Reader& reader, T& value) {
  Serialiser<T>::write(writer, value);
  Serialiser<T>::read(reader, value);
};

}  // namespace paceline
