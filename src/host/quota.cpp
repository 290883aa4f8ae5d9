#include "host/quota.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "host/text.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// A mounted hierarchy of control groups with their limits of CPU time.
struct Hierarchy {
  bool is_version_2 = false;
  fs::path group;  ///< of this process, as its root names it
  fs::path root;   ///< the group that is seen at `mount`: a container's own, or /
  fs::path mount;
};

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Lines of /proc/self/mountinfo: ID PARENT DEVICE ROOT MOUNT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS, proc(5).
std::vector<Hierarchy> mounted(const fs::path& root) {
  std::vector<Hierarchy> found;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (dash - words.begin() < 6 || words.end() - dash < 4) continue;
    const bool is_version_2 = dash[1] == "cgroup2";
    if (!is_version_2 && !(dash[1] == "cgroup" && contains(split(dash[3], ','), "cpu"))) continue;
    found.push_back({is_version_2, {}, words[3], words[4]});
  }
  return found;
}

/// The group of this process, by /proc/self/cgroup: NUMBER:CONTROLLERS:GROUP, cgroups(7).
std::optional<fs::path> group_of(const fs::path& root, bool is_version_2) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (is_version_2 ? controllers.empty() : contains(split(controllers, ','), "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() ? std::optional(value) : std::nullopt;
}

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Microseconds on cores in each period, over the period: "150000 100000", "max 100000"; version 1 has a file for each
/// and -1 without a limit.
std::optional<double> limit_of(const fs::path& folder, bool is_version_2) {
  std::string quota_text, period_text;
  if (is_version_2) {
    std::istringstream(first_line(folder / "cpu.max")) >> quota_text >> period_text;
  } else {
    quota_text = first_line(folder / "cpu.cfs_quota_us");
    period_text = first_line(folder / "cpu.cfs_period_us");
  }
  const auto quota = number(quota_text), period = number(period_text);
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& root) {
  std::optional<double> least;
  for (const auto& hierarchy : mounted(root)) {
    const auto group = group_of(root, hierarchy.is_version_2);
    if (!group) continue;
    const auto mount = root / hierarchy.mount.relative_path();
    // Where a container sees only its own group, that is all there is to look at.
    auto inside = group->lexically_relative(hierarchy.root);
    if (inside.empty() || *inside.begin() == "..") inside = ".";
    auto folder = mount;
    const auto look = [&] {
      if (const auto limit = limit_of(folder, hierarchy.is_version_2)) least = std::min(least.value_or(*limit), *limit);
    };
    look();
    for (const auto& name : inside) {
      folder /= name;
      look();
    }
  }
  return least;
}

}  // namespace paceline
