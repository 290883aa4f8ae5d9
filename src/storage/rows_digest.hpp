// The digest of a table by its rows, so that it is the same wherever items begin and end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/result_shape.hpp"

namespace paceline {

/// Of the rows of an item, whose bytes these are: a sum modulo 2^64 over all that is in them, each at its place in its
/// column. Digests of items add up to that of the table. An item without rows has 0.
std::uint64_t rows_digest(const ResultShape& shape, std::int64_t item, std::span<const std::byte> bytes);

}  // namespace paceline
