// Instruction sets that no kernel is compiled for: AVX3_DL adds nothing that the kernels use; without SSE4 a machine is
// older than 2008. To be included before Highway.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
