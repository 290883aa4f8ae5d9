// The probe itself: what `paceline probe-binding` does in the place of a program.
#include <fmt/format.h>
#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "host/launch.hpp"
#include "study/measure/binding.hpp"

namespace paceline {
namespace {

constexpr int most_cpus = 8192;

/// A core is named by its first hardware thread.
int core_of(int cpu) {
  std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
  int first = cpu;
  return file >> first ? first : cpu;
}

std::vector<int> cores_of_this_thread() {
  const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> cpus(CPU_ALLOC(most_cpus),
                                                              [](cpu_set_t* set) { CPU_FREE(set); });
  const auto bytes = CPU_ALLOC_SIZE(most_cpus);
  std::set<int> cores;
  if (sched_getaffinity(0, bytes, cpus.get()) == 0) {
    for (int cpu = 0; cpu < most_cpus; ++cpu) {
      if (CPU_ISSET_S(static_cast<unsigned>(cpu), bytes, cpus.get())) cores.insert(core_of(cpu));
    }
  }
  return {cores.begin(), cores.end()};
}

}  // namespace

void print_probe() {
  std::vector<std::string> cores(static_cast<std::size_t>(omp_get_max_threads()));
  int threads = 1;
#pragma omp parallel
  {
    cores[static_cast<std::size_t>(omp_get_thread_num())] = ranges(cores_of_this_thread());
#pragma omp single
    threads = omp_get_num_threads();
  }
  cores.resize(static_cast<std::size_t>(threads));
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  nlohmann::ordered_json json;
  json["paceline_probe"] = 1;
  json["host"] = host;
  json["rank"] = launched().value_or(Launched{}).rank;
  json["pid"] = getpid();
  json["cores"] = cores;
  // In one piece, so that launchers don't mix the lines of several ranks.
  const auto line = json.dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

}  // namespace paceline
