#include "host/machine.hpp"

#include <fmt/format.h>
#include <hwloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

TEST(Machine, IsReadAndConsistent) {
  const auto machine = read_machine();
  EXPECT_FALSE(machine.host.empty());
  EXPECT_GE(machine.cores, 1);
  EXPECT_GE(machine.hardware_threads, machine.cores);
  EXPECT_GE(machine.numa_nodes, 1);
  const auto& bound = machine.bound_cores;
  ASSERT_FALSE(bound.empty());
  EXPECT_TRUE(std::is_sorted(bound.begin(), bound.end()));
  EXPECT_EQ(std::adjacent_find(bound.begin(), bound.end()), bound.end());
  EXPECT_GE(bound.front(), 0);
  EXPECT_LT(bound.back(), machine.cores);
}

TEST(ThreadsOfRank, AreWhatWasAskedElseTheEnvironmentsElseTheBoundCores) {
  unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(threads_of_rank(0, 3), 3);
  EXPECT_EQ(threads_of_rank(2, 3), 2);
  setenv("OMP_NUM_THREADS", "5", 1);
  EXPECT_EQ(threads_of_rank(0, 3), 5);
  EXPECT_EQ(threads_of_rank(2, 3), 2);
  setenv("OMP_NUM_THREADS", "4097", 1);
  const auto error = test::error_of([] { threads_of_rank(0, 3); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_EQ(threads_of_rank(2, 3), 2);
  setenv("OMP_NUM_THREADS", "", 1);
  EXPECT_EQ(threads_of_rank(0, 3), 3);
  unsetenv("OMP_NUM_THREADS");
}

/// What read_machine() finds on a machine that hwloc calls so, with these kinds: cores' masks, slowest first.
Machine machine_of(const char* description, const std::vector<const char*>& kinds) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("paceline-topology-{}.xml", getpid());
  hwloc_topology_t topology = nullptr;
  hwloc_topology_init(&topology);
  hwloc_topology_set_synthetic(topology, description);
  hwloc_topology_load(topology);
  auto* cpus = hwloc_bitmap_alloc();
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    hwloc_bitmap_list_sscanf(cpus, kinds[kind]);
    hwloc_cpukinds_register(topology, cpus, static_cast<int>(kind), 0, nullptr, 0);
  }
  hwloc_bitmap_free(cpus);
  hwloc_topology_export_xml(topology, path.c_str(), 0);
  hwloc_topology_destroy(topology);
  setenv("HWLOC_XMLFILE", path.c_str(), 1);
  auto machine = read_machine();
  unsetenv("HWLOC_XMLFILE");
  std::filesystem::remove(path);
  return machine;
}

TEST(Machine, CountsCoresAndNotTheirHardwareThreads) {
  const auto machine = machine_of("pack:2 numa:1 core:3 pu:2", {});
  EXPECT_EQ(machine.cores, 6);
  EXPECT_EQ(machine.hardware_threads, 12);
  EXPECT_EQ(machine.numa_nodes, 2);
  EXPECT_TRUE(machine.kinds.empty());
}

TEST(Machine, TellsKindsOfCoresApart) {
  const auto machine = machine_of("pack:1 core:6 pu:2", {"8-11", "0-7"});
  ASSERT_EQ(machine.kinds.size(), 2U);
  EXPECT_EQ(to_string(machine.kinds), "2 of efficiency 0, 4 of efficiency 1");
  EXPECT_TRUE(machine_of("pack:1 core:6 pu:2", {"0-11"}).kinds.empty());
}

TEST(UsableCores, AreWholeOnesOfTheQuota) {
  Machine machine;
  machine.bound_cores = {0, 1, 2, 3};
  EXPECT_EQ(machine.usable_cores(), 4);
  for (const auto& [quota, cores] : {std::pair(8.0, 4), {4.0, 4}, {2.0, 2}, {1.5, 1}, {0.5, 1}}) {
    machine.quota = quota;
    EXPECT_EQ(machine.usable_cores(), cores) << quota;
  }
}

TEST(FairCores, AreSharedWhereNobodyBindsRanks) {
  Machine machine;
  machine.bound_cores = {0, 1, 2, 3};
  const auto fair = [&](const std::vector<std::vector<int>>& bound) { return fair_cores(machine, bound); };
  EXPECT_EQ(fair({{0, 1, 2, 3}}), 4);
  EXPECT_EQ(fair({{0, 1, 2, 3}, {4, 5, 6, 7}}), 4) << "bound: each has its own";
  EXPECT_EQ(fair({{0, 1, 2, 3}, {0, 1, 2, 3}}), 2);
  EXPECT_EQ(fair({{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}}), 1);
  EXPECT_EQ(fair(std::vector<std::vector<int>>(9, machine.bound_cores)), 1) << "never none";
  machine.quota = 3.5;
  EXPECT_EQ(fair({{0, 1, 2, 3}}), 3);
  EXPECT_EQ(fair({{0, 1, 2, 3}, {4, 5, 6, 7}}), 1) << "the quota is of all ranks of the node";
}

TEST(ProcessorsOfThreads, AreTheRanksOwn) {
  Machine machine;
  machine.bound_cores = {0, 1, 2, 3};
  machine.processors = {0, 2, 4, 6};
  const auto of = [&](const std::vector<std::vector<int>>& bound, int rank, int threads) {
    return processors_of_threads(machine, bound, rank, threads);
  };
  using All = std::vector<int>;
  const All all = machine.bound_cores;
  EXPECT_EQ(of({all}, 0, 4), (All{0, 2, 4, 6}));
  EXPECT_EQ(of({all}, 0, 2), (All{0, 2}));
  EXPECT_EQ(of({all}, 0, 5), All()) << "more threads than cores";
  EXPECT_EQ(of({{4, 5, 6, 7}, all}, 1, 3), (All{0, 2, 4})) << "bound: each has its own";
  EXPECT_EQ(of({all, all}, 0, 2), (All{0, 2}));
  EXPECT_EQ(of({all, all}, 1, 2), (All{4, 6}));
  EXPECT_EQ(of({all, all, all}, 1, 2), All()) << "too few for all ranks";
  EXPECT_EQ(of({all, {3, 4}}, 0, 1), All()) << "bound to some that are shared";
  machine.processors.clear();
  EXPECT_EQ(of({all}, 0, 1), All()) << "hwloc knows none";
}

}  // namespace
}  // namespace paceline
