// What may be used: this machine, or what Slurm and PBS say of an allocation; layouts that don't fit are told why.
#include "study/measure/resources.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include <support.hpp>

namespace paceline::resources_test {
namespace {

Launcher launcher_of(Launcher::Kind kind, int cpus_per_core = 1) {
  Launcher launcher;
  launcher.kind = kind;
  launcher.cpus_per_core = cpus_per_core;
  return launcher;
}

Resources found(const Launcher& launcher, const std::map<std::string, std::string>& variables) {
  return find_resources(launcher, 16, [&](const char* name) {
    const auto variable = variables.find(name);
    return variable == variables.end() ? nullptr : variable->second.c_str();
  });
}

TEST(Resources, AreThisMachineOrTheAllocation) {
  const auto here = found(launcher_of(Launcher::Kind::open_mpi), {});
  EXPECT_EQ(here.nodes, 1);
  EXPECT_EQ(here.cores_per_node, 16);

  const std::map<std::string, std::string> slurm = {
      {"SLURM_JOB_ID", "12"}, {"SLURM_JOB_NUM_NODES", "3"}, {"SLURM_JOB_CPUS_PER_NODE", "96(x2),48"}};
  const auto job = found(launcher_of(Launcher::Kind::srun, 2), slurm);
  EXPECT_EQ(job.nodes, 3);
  EXPECT_EQ(job.cores_per_node, 24) << "two CPUs a core, on the smallest node";
  EXPECT_EQ(job.where, "Slurm job 12");
  // No launcher: one process here, whatever was allocated.
  Launcher none = launcher_of(Launcher::Kind::custom);
  none.template_words = {"{command}"};
  EXPECT_EQ(found(none, slurm).nodes, 1);
  EXPECT_EQ(found(none, slurm).cores_per_node, 16);
  none.template_words = {"mine", "{ranks}", "{command}"};
  EXPECT_EQ(found(none, slurm).nodes, 0) << "only the launcher knows";

  const test::TempFolder folder;
  std::ofstream(folder / "hosts") << "n1\nn1\nn2 slots=4\n\nn3:2\n";
  EXPECT_EQ(found(launcher_of(Launcher::Kind::open_mpi), {{"PBS_NODEFILE", (folder / "hosts").string()}}).nodes, 3);
}

TEST(Resources, ReadSlurmsNotation) {
  EXPECT_EQ(smallest_of("16"), 16);
  EXPECT_EQ(smallest_of("16(x4)"), 16);
  EXPECT_EQ(smallest_of("16(x2),8,32(x100)"), 8);
  EXPECT_EQ(smallest_of(""), std::nullopt);
  EXPECT_EQ(smallest_of("many"), std::nullopt);
  EXPECT_EQ(smallest_of("16,0"), std::nullopt);
}

TEST(Resources, SayWhyALayoutDoesNotFit) {
  const Resources two{2, 8, "Slurm job 1"};
  EXPECT_EQ(why_too_large({8, 2, 2}, two), std::nullopt);
  EXPECT_EQ(why_too_large({4, 2, 1}, two), std::nullopt);
  EXPECT_EQ(why_too_large({4, 3, 1}, two), "it needs 12 cores per node, Slurm job 1 has 8");
  EXPECT_EQ(why_too_large({2, 9, 2}, two), "it needs 9 cores per node, Slurm job 1 has 8");
  EXPECT_EQ(why_impossible({4, 3, 1}, two), std::nullopt);
  EXPECT_EQ(why_impossible({3, 1, 2}, two), "3 ranks can't be spread evenly over 2 nodes");
  EXPECT_EQ(why_impossible({1, 4, 2}, two), "1 rank can't be spread evenly over 2 nodes");
  EXPECT_EQ(why_impossible({3, 1, 3}, two), "it needs 3 nodes, Slurm job 1 has 2");
  EXPECT_EQ(why_impossible({30, 1, 30}, {0, 8, "somewhere"}), std::nullopt);
}

}  // namespace
}  // namespace paceline::resources_test
