// Variables as each launcher was seen to set them.
#include "host/launch.hpp"

#include <map>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

using Pairs = std::map<std::string, std::string>;

/// They must outlive what is returned.
Variables of(const Pairs& pairs) {
  return [&pairs](const char* name) {
    const auto found = pairs.find(name);
    return found == pairs.end() ? nullptr : found->second.c_str();
  };
}

/// "VARIABLE: rank 1 of 4, 2 here", with a question mark for what is not told.
std::string told(const Pairs& pairs) {
  const auto here = launched(of(pairs));
  if (!here) return "alone";
  const auto text = [](std::optional<int> value) { return value ? std::to_string(*value) : "?"; };
  return here->variable + ": rank " + std::to_string(here->rank) + " of " + text(here->ranks) + ", " +
         text(here->ranks_here) + " here";
}

Pairs with(Pairs pairs, const Pairs& more) {
  pairs.insert(more.begin(), more.end());
  return pairs;
}

const Pairs batch_script{
    {"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_JOB_NUM_NODES", "2"}};
const Pairs srun{{"SLURM_JOB_ID", "7"},         {"SLURM_PROCID", "3"},         {"SLURM_NTASKS", "4"},
                 {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_STEP_NUM_NODES", "2"}, {"SLURM_STEP_ID", "0"}};

TEST(Launched, IsNobodyWithoutALauncher) {
  EXPECT_EQ(told({}), "alone");
  EXPECT_EQ(told(batch_script), "alone");
  EXPECT_EQ(told({{"OMPI_COMM_WORLD_RANK", ""}, {"PMI_RANK", "one"}, {"PMIX_RANK", "-1"}}), "alone");
}

TEST(Launched, ByOpenMpi) {
  const Pairs mpirun{{"OMPI_COMM_WORLD_RANK", "1"},
                     {"OMPI_COMM_WORLD_SIZE", "4"},
                     {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                     {"PMIX_RANK", "1"},
                     {"PMIX_NAMESPACE", "1207369729"}};
  EXPECT_EQ(told(mpirun), "OMPI_COMM_WORLD_RANK: rank 1 of 4, 2 here");
  // Its daemons on other nodes are a step of srun's, of which the ranks are none.
  EXPECT_EQ(told(with(mpirun, srun)), "OMPI_COMM_WORLD_RANK: rank 1 of 4, 2 here");
}

TEST(Launched, ByHydra) {
  const Pairs mpirun{{"PMI_RANK", "2"}, {"PMI_SIZE", "4"}, {"MPI_LOCALNRANKS", "4"}, {"MPI_LOCALRANKID", "2"}};
  EXPECT_EQ(told(mpirun), "PMI_RANK: rank 2 of 4, 4 here");
  EXPECT_EQ(told(with(mpirun, srun)), "PMI_RANK: rank 2 of 4, 4 here");
}

TEST(Launched, ByPmix) {
  const Pairs alone{{"PMIX_RANK", "3"}, {"PMIX_NAMESPACE", "prterun-n1-42@1"}};
  EXPECT_EQ(told(alone), "PMIX_RANK: rank 3 of ?, ? here");
  EXPECT_EQ(told(with(alone, srun)), "PMIX_RANK: rank 3 of ?, ? here") << "srun counts the daemons";
}

TEST(Launched, BySrun) {
  EXPECT_EQ(told(srun), "SLURM_PROCID: rank 3 of 4, ? here");
  auto on_one_node = srun;
  on_one_node["SLURM_STEP_NUM_NODES"] = "1";
  EXPECT_EQ(told(on_one_node), "SLURM_PROCID: rank 3 of 4, 4 here");
  EXPECT_EQ(told(with(srun, {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}})), "PMI_RANK: rank 3 of 4, ? here") << "pmi2";
  const Pairs pmix{{"PMIX_RANK", "3"}, {"PMIX_NAMESPACE", "slurm.pmix.7.0"}};
  EXPECT_EQ(told(with(srun, pmix)), "PMIX_RANK: rank 3 of 4, ? here");
  EXPECT_EQ(told(with(on_one_node, pmix)), "PMIX_RANK: rank 3 of 4, 4 here");
}

TEST(Launched, TellsAStepFromAnMpiJob) {
  EXPECT_TRUE(launched(of(srun))->is_step);
  EXPECT_FALSE(launched(of(with(srun, {{"PMIX_RANK", "3"}, {"PMIX_NAMESPACE", "slurm.pmix.7.0"}})))->is_step);
}

TEST(Launched, IsOnOneNodeOnlyWhereThatIsTold) {
  EXPECT_TRUE((Launched{"", 0, 4, 4, false}.is_one_node()));
  EXPECT_TRUE((Launched{"", 0, 1, {}, false}.is_one_node()));
  EXPECT_FALSE((Launched{"", 0, 4, 2, false}.is_one_node()));
  EXPECT_FALSE((Launched{"", 0, 4, {}, false}.is_one_node()));
  EXPECT_FALSE((Launched{"", 0, {}, {}, false}.is_one_node()));
}

TEST(LaunchedThreads, AreTheFirstNumber) {
  const auto threads = [](const std::string& text) { return launched_threads(of({{"OMP_NUM_THREADS", text}})); };
  EXPECT_EQ(launched_threads(of({})), std::nullopt);
  for (const char* text : {"", "0", "-3", "many"}) EXPECT_EQ(threads(text), std::nullopt) << text;
  EXPECT_EQ(threads("3"), 3);
  EXPECT_EQ(threads(" 4,2"), 4);
  EXPECT_EQ(threads("4096"), most_threads);
  for (const char* text : {"4097", "99999999999999999999"}) {
    const auto error = test::error_of([&] { threads(text); });
    ASSERT_TRUE(error) << text;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error->what()).find(text), std::string::npos) << error->what();
  }
}

TEST(OptionsThatBind, AreTheLaunchersOwn) {
  const auto options = [](const Pairs& pairs) { return options_that_bind(launched(of(pairs)), 3); };
  EXPECT_EQ(options({}), "");
  EXPECT_EQ(options({{"OMPI_COMM_WORLD_RANK", "1"}}), "mpirun --map-by slot:PE=3 --bind-to core");
  EXPECT_EQ(options({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), "mpirun -bind-to core:3");
  EXPECT_EQ(options({{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}), "srun --cpus-per-task=3 --cpu-bind=cores");
}

}  // namespace
}  // namespace paceline
