// Where the fields and records of CSV end: every comma and line feed outside of quotes (RFC 4180), found by the
// machine's vectors.
//
// Why no CSV parser of Debian's: libcsv and libfccp read from the beginning of a file, a byte at a time, and can
// neither start amid a file with a known quote state nor say where a record lies, on which exact borders of ranges
// rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/simd.hpp"

namespace paceline::table {

/// Where a scan stands between two of its pieces.
struct ScanState {
  std::uint64_t inside = 0;         ///< all bits: in quotes
  std::uint64_t may_open = 1;       ///< 1: a quote may open a field here
  std::uint64_t after_closing = 0;  ///< 1: the byte before closed quotes
  std::uint64_t after_return = 0;   ///< 1: the byte before was a carriage return outside of quotes
  char delimiter = ',';
  std::uint64_t quotes = ~std::uint64_t{0};  ///< 0: quotes are text
};

/// What is found of consecutive bytes, counted from the first one. Positions fit 32 bits: at most 2^32 bytes.
struct Separators {
  std::vector<std::uint32_t> positions;  ///< of commas and line feeds outside of quotes
  std::vector<std::uint32_t> line_ends;  ///< which of the positions are line feeds
  /// A bit for each byte, 64 in a word: it is the second of two quotes that stand for one. Bits behind the end are 0.
  std::vector<std::uint64_t> doubled;
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::uint32_t wrong = none;   ///< first byte that RFC 4180 has not here: a quote within an unquoted field, anything
                                ///< but an end after quotes that closed, or after a carriage return no line feed
  bool has_high_bytes = false;  ///< some byte is not ASCII
  bool has_nul = false;         ///< some byte is 0
  bool has_quotes = false;      ///< some byte is a quote, and quotes are no text
};

/// Adds what is found of `size` bytes that begin at position `base`. Whole scans are cut at multiples of 64 bytes only.
/// Re-entrant.
void find_separators(const char* bytes, std::size_t size, std::uint32_t base, ScanState& state, Separators& found);
/// The same by one byte after the other, for tests.
void find_separators_reference(const char* bytes, std::size_t size, std::uint32_t base, ScanState& state,
                               Separators& found);

/// The function for one of simd_targets(), for tests and benches.
using FindSeparators = void (*)(const char*, std::size_t, std::uint32_t, ScanState&, Separators&);
FindSeparators find_separators_on(std::int64_t target);

}  // namespace paceline::table
