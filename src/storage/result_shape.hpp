// The result of a workload as it lies in a file: one dataset, or a table of columns, cut into items.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <paceline/slab.hpp>

namespace paceline {

/// Element types of a result; numbers are stored little-endian. Of text (UTF-8, without NUL) and bytes each element has
/// a length of its own.
enum class ElementType { uint8, uint16, uint32, uint64, int64, float64, text, bytes };

constexpr bool is_variable(ElementType type) { return type == ElementType::text || type == ElementType::bytes; }

/// Of an element; of a variable one, of its length.
constexpr std::int64_t bytes_of(ElementType type) {
  switch (type) {
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

/// An indexed image: element value k is shown in colour k of the palette (3 bytes a colour, red green blue).
/// An empty palette makes a greyscale image from 0 to max_value.
struct ImageInfo {
  std::uint64_t max_value = 0;
  std::vector<std::uint8_t> palette;
};

/// A number that follows from the whole result, for the report and the file.
struct Conclusion {
  std::string path;  ///< for example `/array/value`
  std::string what;  ///< for example "sum of x"
  double value = 0;
};

/// Who computed an item, and how long it took. Kept beside the result; no part of its digest, which is the same for
/// every layout.
struct ItemRecord {
  double seconds = 0;
  std::int32_t rank = 0;
  std::int32_t thread = 0;
};

/// One dataset of a table: a value a row.
struct Column {
  std::string path;  ///< for example `/table/speed`
  ElementType type = ElementType::float64;
  std::string units;
  Attributes attributes;
};

/// One dataset, or one a column, cut into items along the slowest dimension.
///
/// The bytes of an item are its rows, one after the other. With columns they are its part of the first column, then of
/// the second, and so on. If a column is variable the item is a parcel, see <paceline/parcel.hpp>; such a result is
/// gathered and written by rank 0, because HDF5 1.10 can't write variable lengths from several ranks.
struct ResultShape {
  std::string path;  ///< for example `/array/z`; of columns, the group that has the attributes
  ElementType type = ElementType::float64;
  std::vector<std::int64_t> dims;    ///< dims[0] is the number of rows
  std::vector<Column> columns;       ///< empty: one dataset; else type and units are theirs, dims is {rows}
  std::int64_t rows_per_item = 1;    ///< consecutive ones; the last item may have fewer
  std::vector<std::int64_t> starts;  ///< where items differ: first row of each, and last the number of rows
  std::int64_t variable_bytes = 0;   ///< of variable columns: what an item is expected to have at the most
  std::string units;                 ///< empty: a plain number has none
  std::string records;               ///< folder of `seconds`, `rank`, `thread` of each item; empty: not kept
  std::vector<Axis> axes;            ///< none, or one per dimension
  bool is_image = false;
  ImageInfo image;
  Attributes attributes;  ///< parameters; two runs with equal ones make equal results

  [[nodiscard]] std::int64_t rows() const { return dims.at(0); }
  [[nodiscard]] std::int64_t items() const {
    return starts.empty() ? (rows() + rows_per_item - 1) / rows_per_item : std::ssize(starts) - 1;
  }
  [[nodiscard]] bool is_variable() const {
    return std::any_of(columns.begin(), columns.end(), [](const Column& c) { return paceline::is_variable(c.type); });
  }
  [[nodiscard]] std::int64_t bytes_per_row() const {
    std::int64_t bytes = columns.empty() ? bytes_of(type) : 0;
    for (const auto& column : columns) bytes += bytes_of(column.type);
    for (std::size_t i = 1; i < dims.size(); ++i) bytes *= dims[i];
    return bytes;
  }
  /// Of the item with most rows.
  [[nodiscard]] std::int64_t most_rows_per_item() const {
    std::int64_t most = starts.empty() ? rows_per_item : 0;
    for (std::size_t i = 1; i < starts.size(); ++i) most = std::max(most, starts[i] - starts[i - 1]);
    return most;
  }
  /// Of a whole item, which is what buffers reserve for each; of parcels only expected.
  [[nodiscard]] std::int64_t bytes_per_item() const {
    return std::max(std::int64_t{1}, most_rows_per_item() * bytes_per_row() + variable_bytes);
  }
  [[nodiscard]] Slab rows_of(Slab items) const {
    if (!starts.empty()) {
      return {starts[static_cast<std::size_t>(items.begin)], starts[static_cast<std::size_t>(items.end)]};
    }
    return {std::min(items.begin * rows_per_item, rows()), std::min(items.end * rows_per_item, rows())};
  }
  /// What consecutive items really hold, without the characters of variable columns.
  [[nodiscard]] std::size_t bytes_in(Slab items) const {
    return static_cast<std::size_t>(rows_of(items).size() * bytes_per_row());
  }
};

}  // namespace paceline
