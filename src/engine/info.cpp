#include "engine/info.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <cstdio>
#include <string_view>

#include "host/machine.hpp"
#include "host/simd.hpp"
#include "host/text.hpp"
#include "storage/result_file.hpp"

namespace paceline {
namespace {

std::string mpi_library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  // The first line, without the details of the build: "Open MPI v4.1.4", "MPICH Version:\t4.0.2".
  const std::string_view all(text, static_cast<std::size_t>(length));
  const auto version = all.substr(0, all.find_first_of(",\n"));
  const auto at = version.find(" Version:\t");
  if (at == std::string_view::npos) return std::string(version);
  return fmt::format("{} {}", version.substr(0, at), version.substr(at + 10));
}

const char* thread_level() {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  switch (level) {
    case MPI_THREAD_MULTIPLE: return "MPI_THREAD_MULTIPLE";
    case MPI_THREAD_SERIALIZED: return "MPI_THREAD_SERIALIZED";
    case MPI_THREAD_FUNNELED: return "MPI_THREAD_FUNNELED";
    default: return "MPI_THREAD_SINGLE";
  }
}

}  // namespace

void print_info(const Comm& world) {
  const auto machine = read_machine();
  const auto cores = fair_cores(machine, world.split_node().gather_all(machine.bound_cores));
  int threads = 0;
  collective(world, [&] { threads = threads_of_rank(0, cores); });
  const auto mine = fmt::format("  rank {:<4} {}, bound to {} of {}: {}; {}\n", world.rank(), machine.host,
                                machine.bound_cores.size(), plural(machine.cores, "core"),
                                fmt::join(machine.bound_cores, " "), plural(threads, "thread"));
  const auto ranks = world.gather_all_text(mine);
  if (world.rank() != 0) return;
  fmt::print("paceline {}\n", PACELINE_VERSION);
  fmt::print("  mpi       {}, {}\n", mpi_library(), thread_level());
  fmt::print("  openmp    {}, up to {}\n", _OPENMP, plural(omp_get_max_threads(), "thread"));
  fmt::print("  hdf5      {}\n", hdf5_version());
  fmt::print("  simd      {}\n", simd_target_name());
  fmt::print("  cpu       {}\n", machine.cpu_model);
  fmt::print("  machine   {}, {}, {}\n", plural(machine.cores, "core"),
             plural(machine.hardware_threads, "hardware thread"), plural(machine.numa_nodes, "NUMA node"));
  if (!machine.kinds.empty())
    fmt::print("  cores     {}: threads on slower ones are waited for\n", to_string(machine.kinds));
  if (machine.quota) fmt::print("  quota     control groups allow {:.3g} cores\n", *machine.quota);
  for (const auto& line : ranks) fmt::print("{}", line);
  std::fflush(stdout);
}

}  // namespace paceline
