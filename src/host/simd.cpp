#include "host/simd.hpp"

// As in each kernel: AVX3_DL adds nothing that they use; without SSE4 a machine is older than 2008.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#include "hwy/highway.h"

namespace paceline {

std::vector<std::int64_t> simd_targets() { return hwy::SupportedAndGeneratedTargets(); }

std::string simd_target_name() { return hwy::TargetName(simd_targets().front()); }

}  // namespace paceline
