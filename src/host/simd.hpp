// Instruction sets that kernels are compiled for and this machine has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paceline {

/// As Highway numbers them, best first.
std::vector<std::int64_t> simd_targets();
/// Of the best, for example "AVX2".
std::string simd_target_name();

}  // namespace paceline
