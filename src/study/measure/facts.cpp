#include "study/measure/facts.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <hwloc.h>
#include <sys/utsname.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>

#include "host/secrets.hpp"
#include "host/slurm_facts.hpp"
#include "host/text.hpp"
#include "study/shell_words.hpp"

extern char** environ;

namespace paceline {
namespace {

/// "1 package, 1 L3 of 32 MB, 2 L2 of 1 MB, 2 cores, 2 hardware threads"
std::string topology_text() {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return {};
  const std::unique_ptr<hwloc_topology, void (*)(hwloc_topology_t)> owner(topology, hwloc_topology_destroy);
  if (hwloc_topology_load(topology) != 0) return {};
  std::string text;
  const auto add = [&](hwloc_obj_type_t type, const char* one, const char* many) {
    const int count = hwloc_get_nbobjs_by_type(topology, type);
    if (count <= 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, count == 1 ? one : many);
    const hwloc_obj_t first = hwloc_get_obj_by_type(topology, type, 0);
    if (hwloc_obj_type_is_cache(type) != 0 && first != nullptr) {
      text += fmt::format(" of {:.3g} MiB", static_cast<double>(first->attr->cache.size) / 1048576);
    }
  };
  add(HWLOC_OBJ_PACKAGE, "package", "packages");
  add(HWLOC_OBJ_NUMANODE, "NUMA node", "NUMA nodes");
  add(HWLOC_OBJ_L3CACHE, "L3 cache", "L3 caches");
  add(HWLOC_OBJ_L2CACHE, "L2 cache", "L2 caches");
  add(HWLOC_OBJ_CORE, "core", "cores");
  add(HWLOC_OBJ_PU, "hardware thread", "hardware threads");
  return text;
}

std::string kernel_text() {
  utsname names{};
  return uname(&names) == 0 ? fmt::format("{} {} {}", names.sysname, names.release, names.machine) : std::string();
}

std::string system_text() {
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    const auto words = split_words(line.substr(12));
    return words.empty() ? std::string() : words.front();
  }
  return {};
}

/// NAME=value per line, of what changes how MPI and OpenMP run.
std::string environment_text() {
  std::vector<std::string> found;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const auto name = text.substr(0, text.find('='));
    // A file is passed on; passwords are not (Slurm's is SLURM_JWT).
    if (names_a_secret(name)) continue;
    for (const char* prefix :
         {"OMP_", "GOMP_", "KMP_", "OMPI_", "PRTE_", "MPICH_", "HYDRA_", "UCX_", "SLURM_", "PBS_"}) {
      if (text.starts_with(prefix)) found.push_back(masked(text));
    }
  }
  std::sort(found.begin(), found.end());
  return fmt::format("{}", fmt::join(found, "\n"));
}

}  // namespace

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

std::vector<std::pair<std::string, std::string>> machine_facts(const Machine& machine) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"machine", fmt::format("{}, {}, {}", machine.host, machine.cpu_model, plural(machine.cores, "core"))},
      {"cpu_model", machine.cpu_model},
      {"cores", std::to_string(machine.cores)},
      {"cores_allowed", std::to_string(machine.bound_cores.size())},
      {"numa_nodes", std::to_string(machine.numa_nodes)},
      {"topology", topology_text()},
      {"kernel", kernel_text()},
      {"system", system_text()},
      {"paceline", PACELINE_VERSION},
      {"compiler", "g++ " __VERSION__},
      {"environment", environment_text()},
      {"date", utc_now()}};
  if (!machine.kinds.empty()) facts.emplace_back("core_kinds", to_string(machine.kinds));
  if (machine.quota) facts.emplace_back("cpu_quota", fmt::format("{:.3g}", *machine.quota));
  for (auto& slurm_fact : slurm_facts()) facts.push_back(std::move(slurm_fact));
  return facts;
}

std::string fact(const std::vector<std::pair<std::string, std::string>>& facts, const std::string& name) {
  const auto found = std::find_if(facts.begin(), facts.end(), [&](const auto& pair) { return pair.first == name; });
  return found == facts.end() ? std::string() : found->second;
}

}  // namespace paceline
