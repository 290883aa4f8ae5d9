#include "study/measure/memory_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace paceline {
namespace {

/// A rank's number among the variables that a process was started with; -1: it is no rank.
int rank_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/environ", pid), std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\0', at), text.size());
    const auto variable = std::string_view(text).substr(at, end - at);
    for (const std::string_view name : {"OMPI_COMM_WORLD_RANK=", "PMI_RANK=", "PMIX_RANK="}) {
      int rank = 0;
      if (!variable.starts_with(name)) continue;
      if (std::from_chars(variable.data() + name.size(), variable.data() + variable.size(), rank).ec == std::errc()) {
        return rank;
      }
    }
    at = end + 1;
  }
  return -1;
}

/// VmHWM of a process in bytes; 0 when it has gone.
std::int64_t peak_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("VmHWM:")) continue;
    const auto digit = line.find_first_of("0123456789");
    std::int64_t kib = 0;
    if (digit != std::string::npos) std::from_chars(line.data() + digit, line.data() + line.size(), kib);
    return kib * 1024;
  }
  return 0;
}

}  // namespace

void MemoryWatch::look() { look_at(root_, 0); }

void MemoryWatch::look_at(pid_t pid, int depth) {
  constexpr int deepest = 64;
  auto& seen = seen_[pid];
  // It may have become another program since the last look: a launcher's child is a copy of the launcher at first.
  if (seen.rank < 0) seen.rank = rank_of(pid);
  seen.peak_bytes = std::max(seen.peak_bytes, peak_of(pid));
  if (depth == deepest) return;
  // Of all threads: a launcher's may start ranks, too.
  std::error_code code;
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), code)) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) look_at(child, depth + 1);
  }
}

double MemoryWatch::pause_s(double elapsed_s) { return std::clamp(elapsed_s / 4, 0.005, 1.0); }

bool MemoryWatch::has_ranks() const {
  return std::any_of(seen_.begin(), seen_.end(), [](const auto& entry) { return entry.second.rank >= 0; });
}

std::vector<std::int64_t> MemoryWatch::peaks() const {
  const bool by_rank = has_ranks();
  std::map<int, std::int64_t> largest;
  for (const auto& [pid, seen] : seen_) {
    if (by_rank && seen.rank < 0) continue;
    auto& peak = largest[seen.rank];
    peak = std::max(peak, seen.peak_bytes);
  }
  std::vector<std::int64_t> found;
  for (const auto& [rank, bytes] : largest) {
    if (bytes > 0) found.push_back(bytes);
  }
  return found;
}

}  // namespace paceline
