// Runs of other programs: measured, captured, ended in time with all that they started.
#include "study/measure/process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include <support.hpp>

namespace paceline {
namespace {

using End = ProcessResult::End;

ProcessResult shell(const std::string& script, double timeout_s = 30, const std::function<bool()>& stop = {}) {
  return run_process({"sh", "-c", script}, {{"COLOUR", "blue green"}}, {timeout_s, 1, stop});
}

/// The process that wrote its number into the file is gone.
bool is_gone(const std::filesystem::path& file) {
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  EXPECT_GT(pid, 0) << "it never started";
  return pid > 0 && kill(pid, 0) != 0;
}

TEST(Process, IsCapturedAndMeasured) {
  const auto result = shell("echo $COLOUR; echo oops >&2; sleep 0.2; exit 3");
  EXPECT_EQ(result.end, End::exited);
  EXPECT_EQ(result.code, 3);
  EXPECT_FALSE(result.is_ok());
  EXPECT_EQ(result.out, "blue green\n");
  EXPECT_EQ(result.err, "oops\n");
  EXPECT_GE(result.wall_s, 0.2);
  EXPECT_TRUE(shell("true").is_ok());
  EXPECT_EQ(shell("cat").out, "") << "nothing is on its standard input";
}

TEST(Process, TellsItsMemory) {
  // A string of 64 MB, made by a child of the shell.
  const auto small = shell("true");
  ASSERT_EQ(small.rank_rss_bytes.size(), 1U);
  EXPECT_FALSE(small.has_ranks);
  const auto large = shell("/usr/bin/python3 -c 'x = bytearray(1 << 26)'; true");
  EXPECT_GT(large.rank_rss_bytes[0], 64 << 20);
#if !defined(__SANITIZE_ADDRESS__)  // whose shadow a child has until it starts its program
  EXPECT_LT(small.rank_rss_bytes[0], 32 << 20);
  EXPECT_LT(large.rank_rss_bytes[0], 256 << 20);
#endif
}

TEST(Process, TellsTheMemoryOfEachRank) {
  const auto result = shell(
      "for r in 0 1 2; do OMPI_COMM_WORLD_RANK=$r /usr/bin/python3 -c "
      "'import os, time; x = bytearray((1 + int(os.environ[\"OMPI_COMM_WORLD_RANK\"])) << 25); time.sleep(1)' & done; "
      "wait");
  EXPECT_TRUE(result.has_ranks);
  ASSERT_EQ(result.rank_rss_bytes.size(), 3U);
  for (std::int64_t r = 0; r < 3; ++r) {
    const auto bytes = result.rank_rss_bytes[static_cast<std::size_t>(r)];
    EXPECT_GT(bytes, (1 + r) << 25);
    EXPECT_LT(bytes, ((1 + r) << 25) + (32 << 20));
  }
}

TEST(Process, IsEndedThoughItHasLeftItsGroup) {
  const auto result = shell(
      "exec /usr/bin/python3 -c 'import os, signal, time; signal.signal(15, signal.SIG_IGN); "
      "os.setpgid(0, os.getpgid(os.getppid())); time.sleep(60)'",
      0.5);
  EXPECT_EQ(result.end, End::timed_out);
}

TEST(Process, TellsWhatKilledIt) {
  const auto result = shell("kill -9 $$");
  EXPECT_EQ(result.end, End::killed);
  EXPECT_EQ(result.code, SIGKILL);
}

TEST(Process, MaySayVeryMuch) {
  const auto result = shell("yes 0123456789 | head -c 50000000; echo; echo last");
  EXPECT_TRUE(result.is_ok());
  EXPECT_LE(result.out.size(), std::size_t{20} << 20);
  EXPECT_TRUE(result.out.ends_with("last\n"));
}

TEST(Process, EndsInTimeWithAllItStarted) {
  const test::TempFolder folder;
  const auto one = (folder / "one").string();
  const auto other = (folder / "other").string();
  // One that hears no signal, and one in a session of its own whose parent has gone.
  const auto result =
      shell("setsid sh -c 'echo $$ >" + one + "; trap \"\" TERM; while :; do sleep 0.1; done' & (setsid " +
                "sh -c 'echo $$ >" + other + "; exec sleep 100' &) ; echo waiting; sleep 100",
            3);
  EXPECT_EQ(result.end, End::timed_out);
  EXPECT_EQ(result.out, "waiting\n");
  EXPECT_TRUE(is_gone(one));
  EXPECT_TRUE(is_gone(other));
}

TEST(Process, LeavesNothingBehindWhenItEndsByItself) {
  const test::TempFolder folder;
  const auto file = (folder / "pid").string();
  const auto result = shell("setsid sh -c 'echo $$ >" + file + "; exec sleep 100' & while ! test -s " + file +
                            "; do sleep 0.01; done; exit 0");
  EXPECT_TRUE(result.is_ok());
  EXPECT_LT(result.wall_s, 20);
  EXPECT_TRUE(is_gone(file));
}

TEST(Process, StopsWhenAsked) {
  int looks = 0;
  const auto result = shell("sleep 100", 100, [&] { return ++looks > 2; });
  EXPECT_EQ(result.end, End::stopped);
  EXPECT_FALSE(result.is_ok());
}

TEST(Process, CannotBeStartedIfThereIsNone) {
  const test::TempFolder folder;
  std::ofstream(folder / "text") << "no program";
  std::filesystem::permissions(folder / "text", std::filesystem::perms::owner_all);
  for (const auto& name :
       {std::string("paceline-no-such-program"), folder.path().string(), (folder / "text").string(), std::string()}) {
    const auto error = test::error_of([&] { run_process({name}, {}, {}); });
    ASSERT_TRUE(error) << name;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
  }
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_TRUE(find_program("sh").ends_with("/sh"));
}

}  // namespace
}  // namespace paceline
