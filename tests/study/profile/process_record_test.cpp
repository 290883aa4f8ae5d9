#include "study/profile/process_record.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

TEST(ProcessRecordTest, CpuNumbers) {
  EXPECT_EQ(cpu_numbers("0-3,8"), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(cpu_numbers("5"), std::vector<int>{5});
  EXPECT_EQ(cpu_numbers(""), std::vector<int>{});
}

TEST(ProcessRecordTest, ReadsWhatTheProbeWrites) {
  const auto record = process_record(
      R"({"version": 1, "host": "n1", "program": "a", "pid": 7, "rank": 3, "ranks": 4, "mpi": true, "openmp": false,
          "finalized": true, "threads": 2, "elapsed_ns": 1500000000, "useful_ns": 1000000000, "mpi_ns": 500000000,
          "mpi_serial_ns": 400000000, "imbalance_ns": 3, "scheduling_ns": 4, "regions": 9, "cpu_ns": 5,
          "max_rss_bytes": 4096, "cpus": "0-1", "unseen": ["TBB"],
          "calls": {"point_to_point": {"calls": 1, "bytes": 2, "ns": 3000000000},
                    "collective": {"calls": 0, "bytes": 0, "ns": 0}, "one_sided": {"calls": 0, "bytes": 0, "ns": 0},
                    "io": {"calls": 0, "bytes": 0, "ns": 0}, "told": {"calls": 0, "bytes": 0, "ns": 0}}})");
  EXPECT_EQ(record.host, "n1");
  EXPECT_EQ(record.rank, 3);
  EXPECT_DOUBLE_EQ(record.elapsed_s, 1.5);
  EXPECT_DOUBLE_EQ(record.mpi_serial_s, 0.4);
  EXPECT_EQ(record.calls[0].bytes, 2);
  EXPECT_DOUBLE_EQ(record.calls[0].seconds, 3);
  EXPECT_EQ(record.cpus.size(), 2U);
  EXPECT_EQ(record.unseen, std::vector<std::string>{"TBB"});
}

TEST(ProcessRecordTest, DamagedTextsAreRefused) {
  for (const char* text : {"", "{", "{}", "[]", R"({"host": 3})"}) {
    const auto error = test::error_of([&] { process_record(text); });
    ASSERT_TRUE(error) << text;
    EXPECT_TRUE(test::says(*error, "can't be read")) << error->what();
  }
}

}  // namespace
}  // namespace paceline
