// Drawing files from a result that is complete: by all ranks of rank 0's node, while the others wait.
#pragma once

#include <cstdint>
#include <filesystem>

#include <paceline/comm.hpp>

#include "workloads/workload.hpp"

namespace paceline {

/// Collective over the world; `node` are this rank's that share memory. Ranks of rank 0's node open `from`, which they
/// only read; those that can't, because rank 0 alone may or has it, leave the drawing to it. Errors are agreed upon.
void draw_together(const Comm& world, const Comm& node, const Workload& workload, const DrawnFiles& files,
                   const std::filesystem::path& from, std::int64_t memory_limit);

}  // namespace paceline
