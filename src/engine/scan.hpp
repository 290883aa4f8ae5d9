// Looking at a file before the shape of the result is known: its byte ranges go over ranks and threads, what is found
// in each goes to all, and the workload concludes from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include <paceline/comm.hpp>

#include "storage/byte_file.hpp"
#include "workloads/workload.hpp"

namespace paceline {

/// Collective; errors are agreed upon. `file` null: nothing happens. Half of the memory limit may be kept by the
/// workload of what it finds; a fourth is for the bytes on their way. What can't be read in ranges is copied to
/// `folder` first; empty: to TMPDIR.
void scan_file(const Comm& world, const Comm& node, ScannedFile* file, int threads, std::int64_t memory_limit,
               const std::filesystem::path& folder);

}  // namespace paceline
