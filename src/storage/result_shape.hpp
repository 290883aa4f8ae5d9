// The result of a workload as it lies in a file: one dataset, or a table of columns, cut into items.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <paceline/slab.hpp>

namespace paceline {

/// Element types of a result; numbers are stored little-endian. A text is UTF-8 without NUL, padded with NUL to the
/// width of its column.
enum class ElementType { uint8, uint16, uint32, uint64, int64, float64, text };

/// Of an element; of a text, its column knows.
constexpr std::int64_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::text:
    case ElementType::uint8: return 1;
    case ElementType::uint16: return 2;
    case ElementType::uint32: return 4;
    default: return 8;
  }
}

using AttributeValue = std::variant<std::string, std::int64_t, double, std::uint64_t>;
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

/// Coordinates along one dimension of the result: an HDF5 dimension scale.
struct Axis {
  std::string path;            ///< for example `/image/re`
  std::string label;           ///< what the axis is, for plots
  std::vector<double> values;  ///< one per index of the dimension
};

/// An indexed image: element value k is shown in colour k of the palette (3 bytes per colour, red green blue).
/// An empty palette makes a greyscale image from 0 to max_value.
struct ImageInfo {
  std::uint64_t max_value = 0;
  std::vector<std::uint8_t> palette;
};

/// What follows from the whole result, a number or an array of them, for the report and the file.
struct Reduced {
  std::string path;                ///< for example `/array/value`
  std::string what;                ///< for example "sum of x"
  std::vector<std::int64_t> dims;  ///< empty: one number
  std::vector<double> values;      ///< in row-major order
};

/// Who computed an item, and how long it took. Kept beside the result; no part of its digest, which is the same for
/// every layout.
struct ItemOrigin {
  double seconds = 0;
  std::int32_t rank = 0;
  std::int32_t thread = 0;
};

/// One dataset of a table: a value per row.
struct Column {
  std::string path;  ///< for example `/table/speed`
  ElementType type = ElementType::float64;
  std::string units;
  Attributes attributes;
  std::int64_t width = 1;  ///< bytes of each text
  /// Of a column that has no element per row (the bytes of long texts): first element of each item, and last their
  /// number.
  std::vector<std::int64_t> starts;

  [[nodiscard]] std::int64_t element_bytes() const { return bytes_of(type) * (type == ElementType::text ? width : 1); }
};

/// Bytes that each item has beside its rows, as many as it turns out to need. They lie one after the other in one
/// dataset, in the order in which items were finished.
struct VariableBytes {
  std::string path;        ///< for example `/fetch/body`, uint8
  std::string begin_path;  ///< where an item's bytes begin, int64 [items]; -1: it has none
  std::string size_path;   ///< how many they are, int64 [items]
};

/// What the digest of a result is a sum over.
enum class DigestOf : std::uint8_t {
  items,
  rows,  ///< of a table: it doesn't depend on where items begin
};

/// One dataset, or one per column, cut into items along the slowest dimension.
///
/// The bytes of an item are its rows, one after the other. With columns they are its part of the first column, then of
/// the second, and so on.
struct ResultShape {
  std::string path;  ///< for example `/array/z`; of columns, the group that has the attributes
  ElementType type = ElementType::float64;
  std::vector<std::int64_t> dims;  ///< dims[0] is the number of rows
  std::vector<std::int64_t>
      extents;                       ///< of the dataset in the file, where rows are its elements one by one; else empty
  std::vector<Column> columns;       ///< empty: one dataset; else type and units are theirs, dims is {rows}
  std::int64_t rows_per_item = 1;    ///< consecutive ones; the last item may have fewer
  std::vector<std::int64_t> starts;  ///< where items differ: first row of each, and last the number of rows
  DigestOf digest_of = DigestOf::items;
  std::optional<VariableBytes> variable;
  std::string units;       ///< empty: a plain number has none
  std::string origins;     ///< folder of `seconds`, `rank`, `thread` of each item; empty: not kept
  std::vector<Axis> axes;  ///< none, or one per dimension
  bool is_image = false;
  ImageInfo image;
  Attributes attributes;  ///< parameters; two runs with equal ones make equal results

  [[nodiscard]] const std::vector<std::int64_t>& stored_dims() const { return extents.empty() ? dims : extents; }
  [[nodiscard]] std::int64_t rows() const { return dims.at(0); }
  [[nodiscard]] std::int64_t items() const {
    return starts.empty() ? (rows() + rows_per_item - 1) / rows_per_item : std::ssize(starts) - 1;
  }
  /// Without columns that have starts of their own.
  [[nodiscard]] std::int64_t bytes_per_row() const {
    std::int64_t bytes = columns.empty() ? bytes_of(type) : 0;
    for (const auto& column : columns) bytes += column.starts.empty() ? column.element_bytes() : 0;
    for (std::size_t i = 1; i < dims.size(); ++i) bytes *= dims[i];
    return bytes;
  }
  [[nodiscard]] Slab rows_of(Slab items) const {
    // What is empty may begin behind the last item.
    if (items.empty()) return {};
    if (!starts.empty()) {
      return {starts[static_cast<std::size_t>(items.begin)], starts[static_cast<std::size_t>(items.end)]};
    }
    return {std::min(items.begin * rows_per_item, rows()), std::min(items.end * rows_per_item, rows())};
  }
  /// The elements of a column that items have.
  [[nodiscard]] Slab elements_of(const Column& column, Slab items) const {
    if (items.empty() || column.starts.empty()) return rows_of(items);
    return {column.starts[static_cast<std::size_t>(items.begin)], column.starts[static_cast<std::size_t>(items.end)]};
  }
  [[nodiscard]] std::int64_t elements(const Column& column) const {
    return column.starts.empty() ? rows() : column.starts.back();
  }
  /// What consecutive items hold, one after the other, without their variable bytes.
  [[nodiscard]] std::size_t bytes_in(Slab items) const {
    auto bytes = rows_of(items).size() * bytes_per_row();
    for (const auto& column : columns) bytes += column.starts.empty() ? 0 : elements_of(column, items).size();
    return static_cast<std::size_t>(bytes);
  }
  /// Of the largest item; at least 1. Looks at each item where they differ.
  [[nodiscard]] std::int64_t most_bytes_per_item() const {
    if (starts.empty()) return std::max(std::int64_t{1}, std::min(rows_per_item, rows()) * bytes_per_row());
    std::size_t most = 1;
    for (std::int64_t item = 0; item < items(); ++item) most = std::max(most, bytes_in({item, item + 1}));
    return static_cast<std::int64_t>(most);
  }
};

}  // namespace paceline
