// --verify: compute again with the scalar reference and compare bit by bit.
#pragma once

#include "storage/result_file.hpp"
#include "workloads/workload.hpp"

namespace paceline {

/// On one rank, with `threads` threads. Throws Error (check) naming the first item that differs.
void verify(const Workload& workload, const NumberInputs* inputs, const ResultFile& file, int threads,
            std::int64_t memory_limit);

}  // namespace paceline
