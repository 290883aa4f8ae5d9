// The records of one byte range of a CSV file: which belong to it, what their wanted fields are, what is wrong.
//
// A record belongs to the range in which the line feed before it lies; the first one of all, to the first range. So a
// range needs nothing of what is before it but whether it begins within quotes or a comment. That follows exactly from
// how the ranges before change it (each quote does), once all have been looked at; until then a range guesses, and is
// looked at again if the guess was wrong (as in Ge et al. 2019, "Speculative Distributed CSV Data Parsing for Big Data
// Analytics", whose guess also rests on what stands beside quotes).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "workloads/table/columns.hpp"
#include "workloads/table/field.hpp"
#include "workloads/table/places.hpp"
#include "workloads/table/separators.hpp"
#include "workloads/table/value_memory.hpp"

namespace paceline::table {

/// How the file's records are made: found in its header.
struct Layout {
  Dialect dialect;
  std::int64_t fields = 0;           ///< of each record
  std::vector<std::int64_t> wanted;  ///< fields that become columns, in the order they were asked for
  std::vector<Type> types;           ///< of each of these
  std::int64_t data_begin = 0;       ///< first byte after the header
  std::int64_t file_bytes = 0;
  std::vector<Kind> kinds;  ///< of columns that are known to be texts; empty: none is
};

enum class Trouble : std::int64_t {
  none,
  fields,        ///< too many or too few; detail: how many there are
  quote,         ///< a quote within an unquoted field
  after_quotes,  ///< something after quotes that closed
  carriage,      ///< a carriage return without line feed
  unterminated,  ///< quotes that are never closed
  utf8,
  nul,
  type,  ///< a field is not of the type that was given for its column; detail: which of the wanted ones
};

/// What is known of a range; positions count from the beginning of the file.
struct RangeFacts {
  Place begins = Place::outside;  ///< as it was told or guessed; unknown: neither could be settled
  Changes changes;                ///< where the range ends, by where it begins
  std::int64_t begin = -1;        ///< of its first record; -1: it has none
  std::int64_t end = -1;          ///< of its last record, with its line feed
  std::int64_t rows = 0;
  Trouble trouble = Trouble::none;
  std::int64_t trouble_at = 0;
  std::int64_t detail = 0;
  std::vector<ColumnFacts> columns;
};

using RangeValues = std::vector<ColumnValues>;

/// A range as it was read.
struct ReadRange {
  std::int64_t begin = 0;       ///< in the file
  std::int64_t size = 0;        ///< of the range itself
  std::span<const char> bytes;  ///< of the file from `begin` on: the whole range at least unless the file ends
  std::optional<Place> begins;  ///< if it is known
};

/// What a thread works in, and what it has found there in the range that was last. Its memory is used again: to touch
/// it for the first time takes longer than to parse.
struct Workspace {
  Separators separators;
  std::vector<std::uint32_t> rows;  ///< of each record that is taken, which separator ends its first field
  std::vector<std::uint32_t> ends;  ///< the same of a column
  ValueMemory memory;               ///< of values that nobody keeps
  RangeFacts facts;
  RangeValues values;
};

/// Looks at a range. `memory`: for the values. False if more bytes are needed.
bool scan_range(const Layout& layout, const ReadRange& range, Workspace& workspace, ValueMemory& memory);

/// The records of a range once more, whose columns are known to be of `kinds`; `range` has their bytes alone. Texts are
/// given too.
void parse_range(const Layout& layout, const ReadRange& range, std::span<const Kind> kinds, Workspace& workspace);

/// The same by one byte after the other, for --verify and for the header: the fields of each record, without blank
/// lines and comments.
std::vector<std::vector<Field>> records_reference(std::span<const char> bytes, const Dialect& dialect);

/// Where the record that begins at the first byte ends, behind its line feed; nothing if that is not there.
std::optional<std::size_t> first_record_end(std::span<const char> bytes, const Dialect& dialect);

}  // namespace paceline::table
