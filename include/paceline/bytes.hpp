// Bytes that go from rank to rank, as they are written and read.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <paceline/error.hpp>

namespace paceline {
namespace detail {

/// Leaves new elements as they are: to clear a gigabyte that is about to be overwritten takes seconds.
template <class T>
struct Uncleared : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Uncleared<U>;
  };
  template <class U>
  void construct(U* place) {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Values>
  void construct(U* place, Values&&... values) {
    ::new (static_cast<void*>(place)) U(std::forward<Values>(values)...);
  }
};

}  // namespace detail

/// A block of memory; resize() does not clear it.
using Bytes = std::vector<std::byte, detail::Uncleared<std::byte>>;

/// Bytes that grow at their end.
class ByteWriter {
 public:
  void write(const void* data, std::size_t size) {
    if (bytes_.size() - size_ < size) make_room(size_ + size + bytes_.size());
    if (size > 0) std::memcpy(bytes_.data() + size_, data, size);
    size_ += size;
  }
  /// Overwrites bytes that are there.
  void overwrite(std::size_t at, const void* data, std::size_t size) { std::memcpy(bytes_.data() + at, data, size); }
  void reserve(std::size_t size) {
    if (size > bytes_.size()) make_room(size);
  }
  /// Takes back what was written since there were `size` bytes.
  void truncate(std::size_t size) { size_ = size; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Bytes take() {
    bytes_.resize(std::exchange(size_, 0));
    return std::exchange(bytes_, {});
  }

 private:
  // Not left to the vector, which moves its elements one by one where the allocator is no std::allocator.
  void make_room(std::size_t size) {
    Bytes larger(size);
    if (size_ > 0) std::memcpy(larger.data(), bytes_.data(), size_);
    bytes_.swap(larger);
  }

  Bytes bytes_;           ///< with room behind what was written
  std::size_t size_ = 0;  ///< of what was written
};

/// Reads what a ByteWriter wrote, in the same order. Throws Error at the end of the bytes.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  void read(void* data, std::size_t size) {
    const auto from = take(size);
    if (size > 0) std::memcpy(data, from.data(), size);
  }
  [[nodiscard]] std::span<const std::byte> take(std::size_t size) {
    if (size > left()) throw Error(ErrorKind::failure, "a message between ranks is shorter than its values");
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace paceline
