#include "study/profile/profile.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace paceline {
namespace {

std::vector<ProcessRecord> job(int ranks) {
  std::vector<ProcessRecord> records;
  for (int rank = 0; rank < ranks; ++rank) {
    ProcessRecord record;
    record.host = "n1";
    record.program = "solver";
    record.rank = rank;
    record.ranks = ranks;
    record.uses_mpi = record.is_finalized = true;
    record.elapsed_s = 10;
    record.useful_s = record.cpu_s = 8;
    record.mpi_s = record.mpi_serial_s = 2;
    record.max_rss_bytes = 1'000'000 * (1 + rank);
    record.cpus = {rank};
    record.calls[1] = {5, 800, 2};
    records.push_back(record);
  }
  return records;
}

bool says(const Profile& profile, const std::string& part) {
  return fmt::format("{}", fmt::join(profile.warnings, "\n")).find(part) != std::string::npos;
}

TEST(ProfileTest, WholeJob) {
  const auto profile = make_profile("mpirun -np 2 ./solver", job(2));
  ASSERT_TRUE(profile.efficiencies);
  EXPECT_DOUBLE_EQ(profile.efficiencies->parallel, 0.8);
  EXPECT_TRUE(profile.warnings.empty()) << profile.warnings.front();
  const auto json = nlohmann::json::parse(profile_json(profile));
  EXPECT_EQ(json["ranks"], 2);
  EXPECT_EQ(json["threads"], 1);
  EXPECT_TRUE(json["openmp"].is_null());
  EXPECT_EQ(json["mpi_calls"]["collective"]["calls"], 10);
  EXPECT_EQ(json["per_rank"][1]["max_rss_bytes"], 2'000'000);
  const auto text = profile_text(profile);
  EXPECT_NE(text.find("no OpenMP was seen"), std::string::npos) << text;
  EXPECT_NE(text.find("parallel efficiency     80.0 %"), std::string::npos) << text;
}

TEST(ProfileTest, MissingRanksAreNotMeasured) {
  auto records = job(4);
  records.erase(records.begin() + 2);
  const auto profile = make_profile("x", records);
  EXPECT_FALSE(profile.efficiencies);
  EXPECT_NE(profile.why_not.find("1 of 4 ranks left no record (rank 2)"), std::string::npos) << profile.why_not;
  const auto json = nlohmann::json::parse(profile_json(profile));
  for (const char* name : {"parallel_efficiency", "mpi", "openmp", "elapsed_s"}) EXPECT_TRUE(json[name].is_null());
  EXPECT_EQ(json["ranks"], 4);
  EXPECT_NE(profile_text(profile).find("not measured"), std::string::npos);
}

TEST(ProfileTest, JobsAreNotMixed) {
  auto records = job(2);
  const auto more = job(2);
  records.insert(records.end(), more.begin(), more.end());
  EXPECT_NE(make_profile("x", records).why_not.find("several MPI programs"), std::string::npos);
  auto unknown = job(1);
  unknown[0].rank = -1;
  EXPECT_NE(make_profile("x", unknown).why_not.find("neither Open MPI nor"), std::string::npos);
}

TEST(ProfileTest, NothingLeft) {
  const auto profile = make_profile("x", {});
  EXPECT_FALSE(profile.efficiencies);
  EXPECT_NE(profile.why_not.find("no process left a record"), std::string::npos);
}

TEST(ProfileTest, ProcessesBesideTheJob) {
  auto records = job(1);
  ProcessRecord beside;
  beside.uses_openmp = true;
  beside.elapsed_s = 100;
  records.push_back(beside);
  const auto profile = make_profile("x", records);
  EXPECT_EQ(profile.processes.size(), 1U);
  EXPECT_TRUE(says(profile, "1 more process used OpenMP without MPI"));
  auto alone = std::vector<ProcessRecord>(2, beside);
  alone[1].elapsed_s = 200;
  const auto longest = make_profile("x", alone);
  ASSERT_EQ(longest.processes.size(), 1U);
  EXPECT_EQ(longest.processes[0].elapsed_s, 200);
}

TEST(ProfileTest, Warnings) {
  auto records = job(2);
  records[1].cpus = {0};
  EXPECT_TRUE(says(make_profile("x", records), "2 threads share 1 processors on n1"));
  records = job(2);
  records[0].threads = 2;
  records[0].useful_s = 16;
  EXPECT_TRUE(says(make_profile("x", records), "rank 0 on n1 has 2 threads on 1 processors"));
  records = job(2);
  records[1].cpu_s = 12;
  EXPECT_TRUE(says(make_profile("x", records), "rank 1 on n1 used 12 s of CPU time"));
  records = job(2);
  records[1].cpu_s = 3;
  EXPECT_TRUE(says(make_profile("x", records), "16 s of useful work got 11 s of CPU time"));
  records = job(2);
  records[1].is_finalized = false;
  EXPECT_TRUE(says(make_profile("x", records), "rank 1 on n1 ended without MPI_Finalize"));
  records = job(2);
  records[1].unseen = {"TBB", "CUDA"};
  EXPECT_TRUE(says(make_profile("x", records), "TBB is loaded"));
  EXPECT_TRUE(says(make_profile("x", records), "CUDA is loaded"));
}

TEST(ProfileTest, NamesTheRankWithTheMostWork) {
  auto records = job(2);
  records[1].useful_s = records[1].cpu_s = 10;
  records[1].mpi_s = records[1].mpi_serial_s = 0;
  const auto text = profile_text(make_profile("x", records));
  EXPECT_NE(text.find("rank 1 on n1 has the most work, 11.1 % more than the average"), std::string::npos) << text;
  EXPECT_NE(text.find("most is lost to the balance between ranks"), std::string::npos) << text;
}

}  // namespace
}  // namespace paceline
