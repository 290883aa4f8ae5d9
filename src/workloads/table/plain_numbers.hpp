// Many numbers of one column at once: those that are written plainly, by the machine's vectors.
//
// A number's last 16 characters, or 32, are looked at together, whatever its length and wherever its point: a branch on
// these would be foretold wrongly for every other number, which costs more than all the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workloads/table/field.hpp"

namespace paceline::table {

/// A plain number is an optional minus and up to 18 digits, or up to so many characters with a point among them ...
inline constexpr int longest_plain = 20;
/// ... and ends so many bytes behind the first one or further, of which a carriage return may be one.
inline constexpr std::uint32_t plain_room = 34;

/// A field of consecutive records. Positions are of `bytes`, as Separators has them; the field of a record lies between
/// two of them.
struct FieldRun {
  const char* bytes = nullptr;
  const std::uint32_t* positions = nullptr;  ///< of the separator that ends the field of a record, at ...
  std::span<const std::uint32_t> ends;       ///< ... each of these; the one before it is where the field begins
  bool ends_line = false;                    ///< a carriage return may follow it
  char decimal = '.';
};

/// Takes plain numbers up to one that is not of the kind, which is integer or real; gives how many. Reals may be
/// written as integers; -0 is no integer. `values` are the bits that parse_number() gives. Re-entrant.
std::size_t take_plain_numbers(const FieldRun& run, Kind kind, std::uint64_t* values);

/// The function for one of simd_targets(), for tests and benches.
using TakePlainNumbers = std::size_t (*)(const FieldRun&, Kind, std::uint64_t*);
TakePlainNumbers take_plain_numbers_on(std::int64_t target);

}  // namespace paceline::table
