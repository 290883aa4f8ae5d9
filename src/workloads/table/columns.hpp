// A column of the records of a range: what it is, and its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workloads/table/dialect.hpp"
#include "workloads/table/field.hpp"
#include "workloads/table/plain_numbers.hpp"
#include "workloads/table/value_memory.hpp"

namespace paceline::table {

/// What a user says that a column is.
enum class Type : std::uint8_t { any, int64, uint64, float64, text, time };

/// The kind of its values; nothing: it follows from them.
constexpr Kind kind_of(Type type) {
  switch (type) {
    case Type::int64:
    case Type::time: return Kind::integer;
    case Type::uint64: return Kind::natural;
    case Type::float64: return Kind::real;
    case Type::text: return Kind::text;
    default: return Kind::nothing;
  }
}

/// What is known of one column of a range.
struct ColumnFacts {
  Kind kind = Kind::nothing;
  bool has_negative = false;     ///< some integer is
  std::int64_t missing = 0;      ///< empty fields without quotes, and words that are missing in texts, too
  std::int64_t blank = 0;        ///< empty fields in quotes
  std::int64_t named = 0;        ///< words that are missing unless the column is text
  std::int64_t named_marks = 0;  ///< as `marks`, of these words as texts
  std::int64_t longest = 0;      ///< bytes of the longest text; -1: not known, since it was no text at first
  std::int64_t bytes = 0;        ///< of all texts
  std::int64_t marks = 0;        ///< bit k: the k-th mark for missing values is a value, see marks.hpp
};

/// Where a text lies, as it is written.
struct TextPlace {
  const char* begin = nullptr;
  std::uint32_t size = 0;
  bool is_quoted = false;
  bool has_doubled = false;  ///< two quotes stand for one
  [[nodiscard]] Field field() const { return {{begin, size}, is_quoted}; }
};

/// Values of a column in a range. Reals are kept as their bits, texts only where they are asked for.
struct ColumnValues {
  Kind kind = Kind::nothing;           ///< of the values; text has none
  bool has_negative_zero = false;      ///< as an integer: then the values are no good as reals
  std::span<std::uint64_t> values;     ///< a value per row, any where it is missing
  std::vector<std::uint32_t> missing;  ///< rows without a value, quoted or not; of text none
  std::vector<TextPlace> texts;        ///< a text a row, in the bytes that were scanned
};

/// Fields that are texts: only counted and measured, or among the values as well.
enum class Texts { left, kept };

/// What all columns of a range are taken from, and where their values go.
struct ColumnSource {
  std::span<const char> bytes;
  bool has_nul;                            ///< some of these are NUL
  bool has_quotes;                         ///< quotes that are no text
  std::span<const std::uint64_t> doubled;  ///< of each two quotes that stand for one, see Separators
  const Dialect& dialect;
  ValueMemory& memory;
  Texts texts;
};

class ColumnScan {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  ColumnScan(const ColumnSource& source, Type type, ColumnFacts& facts, ColumnValues& values)
      : bytes_(source.bytes),
        has_nul_(source.has_nul),
        has_quotes_(source.has_quotes),
        doubled_(source.doubled),
        dialect_(source.dialect),
        type_(type),
        memory_(source.memory),
        facts_(facts),
        values_(values),
        texts_(source.texts) {}

  /// Plain numbers together, anything else one by one.
  void take(FieldRun run);
  /// Where a text has a NUL byte, or none.
  [[nodiscard]] std::size_t nul() const { return nul_; }
  /// Where a field is not of the type that was given, or none.
  [[nodiscard]] std::size_t misfit() const { return misfit_; }

 private:
  [[nodiscard]] Field field_at(const FieldRun& run, std::size_t row, bool has_quotes) const;
  [[nodiscard]] TextPlace place_of(const Field& field) const;
  /// How often two quotes stand for one in it.
  [[nodiscard]] std::int64_t doubles_in(const Field& field) const;
  std::size_t take_plain(FieldRun run, std::size_t row);
  template <bool has_quotes>
  void take_plain_texts(const FieldRun& run, std::size_t row);
  void take_field(std::size_t row, const Field& field);
  void take_number(std::size_t row, const Number& number);
  void take_missing_word(std::size_t row, const Field& field);
  void take_text(std::size_t row, const Field& field);
  void skip(std::size_t row, const Field& field);
  void widen_to_real(std::size_t rows);
  void widen_to_text();
  void find_negatives(std::size_t rows);
  [[nodiscard]] bool is_misfit(const Number& number) const;
  void refuse(std::size_t row, const Field& field);
  /// Of all rows; only columns that have numbers take memory.
  std::span<std::uint64_t> numbers();

  std::span<const char> bytes_;
  bool has_nul_;
  bool has_quotes_;
  std::span<const std::uint64_t> doubled_;
  const Dialect& dialect_;
  Type type_;
  ValueMemory& memory_;
  ColumnFacts& facts_;
  ColumnValues& values_;
  Texts texts_;
  std::size_t rows_ = 0;
  std::size_t nul_ = none;
  std::size_t misfit_ = none;
};

}  // namespace paceline::table
