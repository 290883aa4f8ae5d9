// Counter-based random numbers: element i is a pure function of the key and i, so any rank makes any part.
#pragma once

#include <cstdint>
#include <span>

namespace paceline::array {

/// Writes elements first, first + 1, … of the uniform doubles in [0, 1) that NumPy's
/// `Generator(Philox(key=key)).random()` gives, to the bit. Philox 4x64 with 10 rounds (Salmon, Moraes, Dror, Shaw:
/// "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
void philox_uniform(std::uint64_t key, std::int64_t first, std::span<double> values);

}  // namespace paceline::array
