// Values in half of their memory, where that loses nothing: integers of 32 bits, and reals that are such an integer
// divided by a power of ten, as files write them (as in Afroozeh et al. 2023, "ALP: Adaptive Lossless floating-Point
// Compression"). Memory that is touched for the first time costs more than to pack and to unpack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "host/simd.hpp"
#include "workloads/table/field.hpp"

namespace paceline::table {

/// Writes a number for each value, whose bits are of the kind. Gives the power of ten that reals are divided by, 0 for
/// integers and naturals; nothing where some value would not be the same again. Re-entrant.
std::optional<int> pack(Kind kind, std::span<const std::uint64_t> values, std::int32_t* packed);
/// The values again, bit for bit. Re-entrant.
void unpack(Kind kind, int places, std::span<const std::int32_t> packed, std::uint64_t* values);

/// The functions for one of simd_targets(), for tests.
struct Packing {
  std::optional<int> (*pack)(Kind, std::span<const std::uint64_t>, std::int32_t*);
  void (*unpack)(Kind, int, std::span<const std::int32_t>, std::uint64_t*);
};
Packing packing_on(std::int64_t target);

}  // namespace paceline::table
