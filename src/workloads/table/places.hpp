// Where a byte of a file stands, in quotes, in a comment or in neither, before records are known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/table/dialect.hpp"

namespace paceline::table {

enum class Place : std::int8_t {
  unknown = -1,
  outside,     ///< in a field without quotes
  quotes,      ///< in a field within quotes
  comment,     ///< in a line that is skipped
  line_start,  ///< at the first byte of a line, outside of quotes
};

/// How a range changes the place: where its end is by where it begins.
struct Changes {
  std::array<Place, 3> ends = {Place::outside, Place::outside, Place::outside};  ///< from outside, quotes, comment
  bool begins_comment = false;  ///< at a line's start, the first byte does

  static Changes to(Place place) { return {{place, place, place}, false}; }
  /// Where the range begins: never line_start, which is decided by its first byte.
  [[nodiscard]] Place settled(Place begin) const {
    if (begin != Place::line_start) return begin;
    return begins_comment ? Place::comment : Place::outside;
  }
  [[nodiscard]] Place after(Place begin) const { return ends[static_cast<std::size_t>(settled(begin))]; }
  [[nodiscard]] std::int64_t packed() const;
  static Changes unpacked(std::int64_t packed);
};

/// From each place that a range may begin at.
Changes changes_of(std::span<const char> range, const Dialect& dialect);
/// From one of them.
Place end_of(std::span<const char> range, Place begin, const Dialect& dialect);

/// Whether a range begins within quotes: these have separators beside them on one side. A guess.
Place guess_place(std::span<const char> range, const Dialect& dialect);
/// The first line feed outside of quotes, or the end. `inside`: the first byte is within quotes.
std::size_t first_feed(std::span<const char> bytes, bool inside, const Dialect& dialect);
/// Behind the first line feed at or after `at`, or the end.
std::size_t skip_line(std::span<const char> bytes, std::size_t at);
/// The first byte at or after `from`, not the first of all, that would begin a comment if it were outside of quotes; or
/// the end.
std::size_t next_comment(std::span<const char> bytes, std::size_t from, const Dialect& dialect);

}  // namespace paceline::table
