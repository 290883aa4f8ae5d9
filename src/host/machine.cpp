#include "host/machine.hpp"

#include <fmt/format.h>
#include <hwloc.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>

#include <paceline/error.hpp>

#include "host/launch.hpp"
#include "host/places.hpp"
#include "host/quota.hpp"
#include "host/text.hpp"

namespace paceline {
namespace {

Error hwloc_error(const char* call) {
  return {ErrorKind::failure, "hwloc can't read this machine", fmt::format("{} failed", call),
          "see whether hwloc's lstopo runs here"};
}

std::vector<CoreKind> read_kinds(hwloc_topology_t topology) {
  std::vector<CoreKind> kinds;
  const std::unique_ptr<hwloc_bitmap_s, void (*)(hwloc_bitmap_t)> cpus(hwloc_bitmap_alloc(), hwloc_bitmap_free);
  for (int kind = 0; kind < hwloc_cpukinds_get_nr(topology, 0); ++kind) {
    int efficiency = 0;
    // -1: the kinds are different, but nobody knows which is the faster one.
    if (hwloc_cpukinds_get_info(topology, static_cast<unsigned>(kind), cpus.get(), &efficiency, nullptr, nullptr, 0) !=
            0 ||
        efficiency < 0) {
      return {};
    }
    auto& found = kinds.emplace_back(CoreKind{efficiency, 0});
    for (hwloc_obj_t core = nullptr; (core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != nullptr;) {
      found.cores += hwloc_bitmap_intersects(core->cpuset, cpus.get());
    }
  }
  return kinds.size() > 1 ? kinds : std::vector<CoreKind>();
}

struct NodeCores {
  std::size_t different;  ///< how many ranks may use
  bool are_shared;        ///< some by several ranks
};
NodeCores cores_of_node(const std::vector<std::vector<int>>& bound) {
  std::set<int> different;
  std::size_t seen = 0;
  for (const auto& cores : bound) {
    different.insert(cores.begin(), cores.end());
    seen += cores.size();
  }
  return {different.size(), seen > different.size()};
}

}  // namespace

Machine read_machine() {
  Machine machine;
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  machine.host = host;

  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) throw hwloc_error("hwloc_topology_init");
  const std::unique_ptr<hwloc_topology, void (*)(hwloc_topology_t)> owner(topology, hwloc_topology_destroy);
  // Cores outside the binding count too: a rank on 2 of 64 cores should know that there are 64.
  hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  if (hwloc_topology_load(topology) != 0) throw hwloc_error("hwloc_topology_load");
  machine.cores = std::max(1, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE));
  machine.hardware_threads = std::max(1, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU));
  machine.numa_nodes = std::max(1, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE));
  for (const auto type : {HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE}) {
    for (hwloc_obj_t cache = nullptr; (cache = hwloc_get_next_obj_by_type(topology, type, cache)) != nullptr;) {
      machine.cache_bytes += static_cast<std::int64_t>(cache->attr->cache.size);
    }
    if (machine.cache_bytes > 0) break;
  }
  machine.kinds = read_kinds(topology);
  if (hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0)) {
    // Some firmware pads the name with blanks.
    if (const char* model = hwloc_obj_get_info_by_name(package, "CPUModel")) machine.cpu_model = trimmed(model, " ");
  }

  const std::unique_ptr<hwloc_bitmap_s, void (*)(hwloc_bitmap_t)> bound(hwloc_bitmap_alloc(), hwloc_bitmap_free);
  bool is_known = hwloc_get_cpubind(topology, bound.get(), HWLOC_CPUBIND_PROCESS) == 0;
  if (const auto given = processors_of_places(); !given.empty()) {
    hwloc_bitmap_zero(bound.get());
    for (const int processor : given) hwloc_bitmap_set(bound.get(), static_cast<unsigned>(processor));
    is_known = true;
  }
  if (is_known) {
    for (hwloc_obj_t core = nullptr; (core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != nullptr;) {
      if (hwloc_bitmap_intersects(core->cpuset, bound.get()) != 0) {
        machine.bound_cores.push_back(static_cast<int>(core->logical_index));
        const std::unique_ptr<hwloc_bitmap_s, void (*)(hwloc_bitmap_t)> both(hwloc_bitmap_alloc(), hwloc_bitmap_free);
        hwloc_bitmap_and(both.get(), core->cpuset, bound.get());
        machine.processors.push_back(hwloc_bitmap_first(both.get()));
      }
    }
  }
  if (machine.bound_cores.empty()) {
    for (int core = 0; core < machine.cores; ++core) machine.bound_cores.push_back(core);
  }
  machine.quota = cpu_quota();
  return machine;
}

std::string to_string(const std::vector<CoreKind>& kinds) {
  std::string text;
  for (const auto& kind : kinds) {
    text += fmt::format("{}{} of efficiency {}", text.empty() ? "" : ", ", kind.cores, kind.efficiency);
  }
  return text;
}

int Machine::usable_cores() const {
  const auto bound = static_cast<int>(bound_cores.size());
  // Half a core is none: a thread on it would stand still for half of the time, and the others wait for it.
  return quota && *quota < bound ? std::max(1, static_cast<int>(*quota)) : bound;
}

int fair_cores(const Machine& machine, const std::vector<std::vector<int>>& bound) {
  const auto [different, are_shared] = cores_of_node(bound);
  const auto ranks = std::max<std::size_t>(1, bound.size());
  auto cores = machine.bound_cores.size();
  if (are_shared) cores = std::min(cores, different / ranks);
  if (machine.quota) cores = std::min(cores, static_cast<std::size_t>(*machine.quota) / ranks);
  return std::max(1, static_cast<int>(cores));
}

std::vector<int> processors_of_threads(const Machine& machine, const std::vector<std::vector<int>>& bound, int rank,
                                       int threads) {
  const auto [different, are_shared] = cores_of_node(bound);
  const auto each = static_cast<std::size_t>(threads);
  const auto first = are_shared ? each * static_cast<std::size_t>(rank) : 0;
  const auto all = are_shared ? each * bound.size() : each;
  // Ranks share all cores, or none, or they are bound in a way that nothing follows from.
  if (all > machine.processors.size() || (are_shared && machine.processors.size() != different)) return {};
  const auto begin = machine.processors.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(each)};
}

int threads_of_rank(int asked, int cores) { return asked > 0 ? asked : launched_threads().value_or(cores); }

}  // namespace paceline
