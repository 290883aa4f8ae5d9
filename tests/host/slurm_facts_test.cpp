#include "host/slurm_facts.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace paceline {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

class SlurmFactsTest : public testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }
  static void clear() {
    for (const char* name :
         {"SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURM_JOB_PARTITION", "SLURM_CPUS_PER_TASK", "SLURM_RESTART_COUNT"}) {
      unsetenv(name);
    }
  }
};

TEST_F(SlurmFactsTest, NothingOutsideOfAJob) {
  setenv("SLURM_JOB_PARTITION", "left over", 1);
  EXPECT_EQ(slurm_facts(), Facts{});
}

TEST_F(SlurmFactsTest, WhatSlurmSays) {
  setenv("SLURM_JOB_ID", "42", 1);
  setenv("SLURM_JOB_NODELIST", "n[1-4]", 1);
  EXPECT_EQ(slurm_facts(), (Facts{{"slurm_job_id", "42"},
                                  {"slurm_nodes", "n[1-4]"},
                                  {"slurm_cpus_per_task", "1"},
                                  {"slurm_restart_count", "0"}}))
      << "a first start, with one CPU a task";
  setenv("SLURM_JOB_PARTITION", "main", 1);
  setenv("SLURM_CPUS_PER_TASK", "12", 1);
  setenv("SLURM_RESTART_COUNT", "3", 1);
  EXPECT_EQ(slurm_facts(), (Facts{{"slurm_job_id", "42"},
                                  {"slurm_nodes", "n[1-4]"},
                                  {"slurm_partition", "main"},
                                  {"slurm_cpus_per_task", "12"},
                                  {"slurm_restart_count", "3"}}));
}

}  // namespace
}  // namespace paceline
