#include "study/measure/resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <string_view>

#include "host/text.hpp"

namespace paceline {
namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

/// Different first words of a file with a host a line; 0 when it can't be read.
int hosts_in(const char* path) {
  std::ifstream file(path);
  std::set<std::string> hosts;
  for (std::string line; std::getline(file, line);) {
    const auto host = line.substr(0, line.find_first_of(" \t:#"));
    if (!host.empty()) hosts.insert(host);
  }
  return static_cast<int>(hosts.size());
}

}  // namespace

std::optional<int> smallest_of(const std::string& slurm_counts) {
  std::optional<int> smallest;
  std::string_view rest = slurm_counts;
  while (!rest.empty()) {
    const auto part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const auto count = number(part.substr(0, part.find('(')));
    if (!count) return std::nullopt;
    smallest = std::min(smallest.value_or(*count), *count);
  }
  return smallest;
}

Resources find_resources(const Launcher& launcher, int cores, const Lookup& lookup) {
  const auto text = [&](const char* name) {
    const char* value = lookup(name);
    return std::string(value == nullptr ? "" : value);
  };
  Resources resources{1, cores, "this machine"};
  if (launcher.kind == Launcher::Kind::custom) {
    if (launcher.starts_ranks()) resources.nodes = 0;
    return resources;
  }
  if (const auto job = text("SLURM_JOB_ID"); !job.empty()) {
    resources.where = fmt::format("Slurm job {}", job);
    resources.nodes = number(text("SLURM_JOB_NUM_NODES")).value_or(1);
    const auto cpus = smallest_of(text("SLURM_JOB_CPUS_PER_NODE"));
    if (cpus) resources.cores_per_node = std::max(1, *cpus / launcher.cpus_per_core);
    return resources;
  }
  for (const char* name : {"PBS_NODEFILE", "OMPI_MCA_orte_default_hostfile", "HYDRA_HOST_FILE"}) {
    const auto path = text(name);
    if (path.empty()) continue;
    if (const int hosts = hosts_in(path.c_str()); hosts > 0) {
      resources.nodes = hosts;
      resources.where = fmt::format("the hosts of {}", name);
      break;
    }
  }
  return resources;
}

std::optional<std::string> why_impossible(const Layout& layout, const Resources& resources) {
  if (layout.ranks % layout.nodes != 0) {
    return fmt::format("{} can't be spread evenly over {}", plural(layout.ranks, "rank"), plural(layout.nodes, "node"));
  }
  if (resources.nodes > 0 && layout.nodes > resources.nodes) {
    return fmt::format("it needs {}, {} has {}", plural(layout.nodes, "node"), resources.where, resources.nodes);
  }
  return std::nullopt;
}

std::optional<std::string> why_too_large(const Layout& layout, const Resources& resources) {
  const int wanted = layout.cores() / layout.nodes;
  if (wanted <= resources.cores_per_node) return std::nullopt;
  return fmt::format("it needs {} per node, {} has {}", plural(wanted, "core"), resources.where,
                     resources.cores_per_node);
}

}  // namespace paceline
