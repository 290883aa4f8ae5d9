// Instruction sets that kernels are compiled for and this machine has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace paceline {

/// As Highway numbers them, best first.
std::vector<std::int64_t> simd_targets();
/// Of the best, for example "AVX2".
std::string simd_target_name();
/// Its place in a HWY_DISPATCH_TABLE of a file that includes simd_targets.hpp. Throws std::invalid_argument for a
/// target that this machine has not.
std::size_t simd_index(std::int64_t target);

}  // namespace paceline
