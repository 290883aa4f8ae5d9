// Which way round quotes are, before records are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace paceline::table {

/// Whether a range begins within quotes: these have separators beside them on one side. A guess.
bool guess_inside(std::span<const char> range);
/// The first line feed outside of quotes, or the end. `inside`: the first byte is within quotes.
std::size_t first_feed(std::span<const char> bytes, bool inside);
/// 1 if their number is odd.
std::int64_t parity_of_quotes(std::span<const char> bytes);

}  // namespace paceline::table
