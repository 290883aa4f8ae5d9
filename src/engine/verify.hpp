// --verify: compute again with the scalar reference and compare bit by bit.
#pragma once

#include "workloads/workload.hpp"

namespace paceline {

/// On one rank, with `threads` threads. Throws Error (check) naming the first item that differs.
void verify(const Workload& workload, const ReadItems& read, int threads, std::int64_t memory_limit);
/// The same for a variable shape, on one thread.
void verify_parcels(const Workload& workload, const ReadParcel& read);

}  // namespace paceline
