// Memory of job steps, as sacct prints it; the program's test has a whole study under srun and sacct.
#include "study/measure/slurm_memory.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(SlurmMemory, IsReadByTheNameOfTheStep) {
  const auto steps = parse_step_memory(
      "job.sh|||\n"
      "batch|2048K|2048K|1\n"
      "paceline-run-0|1536K|1024K|4\n"
      "paceline-run-1|1.5M|1M|2\n"
      "paceline-run-2|7340032|7340032|1\n"
      "paceline-run-3|||\n"
      "paceline-run-4|5X|1K|2\n"
      "paceline-run-5|-5K|1K|2\n"
      "paceline-run-6|1K|1K\n");
  ASSERT_EQ(steps.size(), 6U);
  EXPECT_EQ(steps.at(step_name(0)).max_rss_bytes, 1536 << 10);
  EXPECT_EQ(steps.at(step_name(0)).sum_rss_bytes, 4 << 20);
  EXPECT_EQ(steps.at(step_name(1)).max_rss_bytes, 3 << 19);
  EXPECT_EQ(steps.at(step_name(1)).sum_rss_bytes, 2 << 20);
  EXPECT_EQ(steps.at(step_name(2)).max_rss_bytes, 7 << 20);
  // Not known, or nonsense.
  for (const int order : {3, 4, 5}) EXPECT_EQ(steps.at(step_name(order)).max_rss_bytes, -1) << order;
  EXPECT_TRUE(parse_step_memory("").empty());
}

}  // namespace
}  // namespace paceline
