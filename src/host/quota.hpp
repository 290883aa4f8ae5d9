// Time on cores that control groups allow: a container with 1.5 cores of 64 sees all 64.
#pragma once

#include <filesystem>
#include <optional>

namespace paceline {

/// Cores that this process and all others of its control groups may keep busy together; nothing without a limit.
/// Version 2 has it in cpu.max, version 1 in cpu.cfs_quota_us; of groups within groups the least counts.
/// `root`: where proc and the mounted control groups are looked for.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

}  // namespace paceline
