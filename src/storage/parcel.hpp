// A parcel: an item of a table that has variable columns, as a byte string of its own size. First the fixed columns in
// order, a value a row; then of each variable column, in order, a 64-bit length a row and the characters of all rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/result_shape.hpp"

namespace paceline {

/// A finished item of a variable shape on its way to the file.
struct Parcel {
  std::int64_t item = 0;
  std::uint64_t digest = 0;
  ItemRecord record;
  std::vector<std::byte> bytes;
};

/// Composes a parcel. Values of each column are added in the order of rows.
class ParcelWriter {
 public:
  explicit ParcelWriter(const ResultShape& shape) : shape_(shape), columns_(shape.columns.size()) {}

  /// To a fixed column whose elements are as T.
  template <class T>
  void add(std::size_t column, T value) {
    static_assert(std::is_arithmetic_v<T>);
    append(columns_[column].fixed, &value, sizeof value);
  }
  /// Many of them at once, as they lie in memory.
  void add_values(std::size_t column, std::span<const std::byte> values) {
    append(columns_[column].fixed, values.data(), values.size());
  }
  /// To a variable column.
  void add_text(std::size_t column, std::string_view text) {
    add(column, std::uint64_t{text.size()});
    append(columns_[column].characters, text.data(), text.size());
  }
  void add_bytes(std::size_t column, std::span<const std::byte> bytes) {
    add_text(column, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  /// The same for large ones, which are then held once and not twice: values of these sizes, which `put` appends to the
  /// parcel when take() makes it, and may free where they were. Of a column, all values at once.
  void add_later(std::size_t column, std::span<const std::uint64_t> sizes,
                 std::function<void(std::vector<std::byte>&)> put) {
    add_values(column, std::as_bytes(sizes));
    columns_[column].later_size = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    columns_[column].put_later = std::move(put);
  }

  /// Bytes that the parcel will have.
  [[nodiscard]] std::int64_t size() const {
    std::size_t size = 0;
    for (const auto& part : columns_) size += part.fixed.size() + part.characters.size() + part.later_size;
    return static_cast<std::int64_t>(size);
  }

  [[nodiscard]] std::vector<std::byte> take() {
    std::vector<std::byte> parcel;
    parcel.reserve(static_cast<std::size_t>(size()));
    for (const bool variable : {false, true}) {
      for (std::size_t k = 0; k < columns_.size(); ++k) {
        if (is_variable(shape_.columns[k].type) != variable) continue;
        parcel.insert(parcel.end(), columns_[k].fixed.begin(), columns_[k].fixed.end());
        parcel.insert(parcel.end(), columns_[k].characters.begin(), columns_[k].characters.end());
        if (columns_[k].put_later) columns_[k].put_later(parcel);
        columns_[k] = {};
      }
    }
    return parcel;
  }

 private:
  struct Part {
    std::vector<std::byte> fixed;  ///< of a variable column, the lengths
    std::vector<std::byte> characters;
    std::uint64_t later_size = 0;
    std::function<void(std::vector<std::byte>&)> put_later;
  };
  static void append(std::vector<std::byte>& bytes, const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  }

  const ResultShape& shape_;
  std::vector<Part> columns_;
};

/// Views of a parcel's columns, valid as long as its bytes are.
class ParcelView {
 public:
  /// Throws std::invalid_argument unless `parcel` is one of so many rows.
  ParcelView(const ResultShape& shape, std::int64_t rows, std::span<const std::byte> parcel)
      : columns_(shape.columns.size()) {
    const auto count = static_cast<std::size_t>(rows);
    const auto take = [&](std::size_t size) {
      if (size > parcel.size()) throw std::invalid_argument("a parcel is too short");
      const auto part = parcel.first(size);
      parcel = parcel.subspan(size);
      return part;
    };
    for (const bool variable : {false, true}) {
      for (std::size_t k = 0; k < columns_.size(); ++k) {
        const auto type = shape.columns[k].type;
        if (is_variable(type) != variable) continue;
        columns_[k].fixed = take(count * static_cast<std::size_t>(bytes_of(type)));
        for (std::size_t row = 0; variable && row < count; ++row)
          columns_[k].texts.push_back(take_text(k, row, parcel));
      }
    }
    if (!parcel.empty()) throw std::invalid_argument("a parcel is too long");
  }

  /// The values of a fixed column.
  [[nodiscard]] std::span<const std::byte> fixed(std::size_t column) const { return columns_[column].fixed; }
  /// The values of a variable column, one a row.
  [[nodiscard]] std::span<const std::string_view> texts(std::size_t column) const { return columns_[column].texts; }

 private:
  struct Part {
    std::span<const std::byte> fixed;
    std::vector<std::string_view> texts;
  };
  /// Lengths come first, so the characters of a row follow those of the row before.
  std::string_view take_text(std::size_t column, std::size_t row, std::span<const std::byte>& rest) const {
    std::uint64_t length = 0;
    std::memcpy(&length, &columns_[column].fixed[row * sizeof length], sizeof length);
    if (length > rest.size()) throw std::invalid_argument("a parcel is too short");
    const auto part = rest.first(length);
    rest = rest.subspan(length);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  std::vector<Part> columns_;
};

}  // namespace paceline
