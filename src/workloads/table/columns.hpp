// A column of the records of a range: what it is, and its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workloads/table/field.hpp"
#include "workloads/table/plain_numbers.hpp"
#include "workloads/table/value_memory.hpp"

namespace paceline::table {

/// What is known of one column of a range.
struct ColumnFacts {
  Kind kind = Kind::nothing;
  std::int64_t missing = 0;  ///< empty fields without quotes
  std::int64_t blank = 0;    ///< empty fields in quotes
  std::int64_t marks = 0;    ///< bit k: the k-th mark for missing values is a value, see marks.hpp
  std::int64_t longest = 0;  ///< bytes of the longest text; -1: not known, since it was numbers at first
  std::int64_t bytes = 0;    ///< of all texts
};

/// Values of a column in a range. Reals are kept as their bits, texts only where they are asked for.
struct ColumnValues {
  Kind kind = Kind::nothing;           ///< of the values; text has none
  bool has_negative_zero = false;      ///< as an integer: then the values are no good as reals
  std::span<std::uint64_t> values;     ///< a value a row, any where it is missing
  std::vector<std::uint32_t> missing;  ///< rows without a value, quoted or not; of text none
  std::vector<Field> texts;            ///< a field a row; views of the bytes that were scanned
};

class ColumnScan {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  /// `is_known`: of which kind the column is; then its texts are kept, too.
  ColumnScan(std::span<const char> bytes, ValueMemory& memory, ColumnFacts& facts, ColumnValues& values, bool is_known)
      : bytes_(bytes), memory_(memory), facts_(facts), values_(values), keeps_texts_(is_known) {}

  /// Plain numbers together, anything else one by one. Where a text has a NUL byte, or none.
  std::size_t take(FieldRun run);

 private:
  void take_field(std::size_t row, const char* begin, const char* end);
  void take_number(std::size_t row, const Number& number);
  void take_text(const Field& field);
  void skip(std::size_t row, const Field& field);
  void widen_to_real(std::size_t rows);
  void widen_to_text();
  /// Of all rows; only columns that have numbers take memory.
  std::span<std::uint64_t> numbers();

  std::span<const char> bytes_;
  ValueMemory& memory_;
  ColumnFacts& facts_;
  ColumnValues& values_;
  bool keeps_texts_;
  std::size_t rows_ = 0;
  std::size_t nul_ = none;
};

}  // namespace paceline::table
