#include "host/progress.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

namespace paceline {
namespace {

/// What is told on stderr while `show` is called for 0 to 1000 of 1000 items.
std::string told(Progress::Style style, std::chrono::milliseconds before_last = {}) {
  testing::internal::CaptureStderr();
  {
    Progress progress("fractal", 1000, style);
    for (std::int64_t done = 0; done < 1000; ++done) progress.show(done);
    std::this_thread::sleep_for(before_last);
    progress.show(500);
    progress.show(1000);
  }
  return testing::internal::GetCapturedStderr();
}

TEST(Progress, SaysNothingWhenPiped) { EXPECT_EQ(told(Progress::Style::none), ""); }

TEST(Progress, HasALineEachTenth) {
  const auto text = told(Progress::Style::lines);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
  for (int percent = 10; percent <= 100; percent += 10) {
    EXPECT_NE(text.find("paceline: fractal: " + std::to_string(percent) + " % after"), std::string::npos) << text;
  }
}

TEST(Progress, HasABarOnceItTakesTime) {
  EXPECT_EQ(told(Progress::Style::bar), "") << "a short run shows nothing";
  const auto text = told(Progress::Style::bar, std::chrono::milliseconds(350));
  EXPECT_NE(text.find("\rfractal [####################....................]  50 %"), std::string::npos) << text;
  EXPECT_NE(text.find("[########################################] 100 %  0:00 left"), std::string::npos) << text;
  EXPECT_EQ(text.back(), '\n');
}

TEST(Progress, StandsItWhenThereIsNothingToDo) {
  testing::internal::CaptureStderr();
  {
    Progress progress("fractal", 0, Progress::Style::lines);
    progress.show(0);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ProgressStyle, IsWhatTheModeMeansHere) {
  unsetenv("SLURM_JOB_ID");
  unsetenv("PBS_JOBID");
  // Captured, stderr is a file.
  testing::internal::CaptureStderr();
  const auto by_itself = progress_style(ProgressMode::automatic);
  const auto always = progress_style(ProgressMode::always);
  setenv("SLURM_JOB_ID", "7", 1);
  const auto in_batch = progress_style(ProgressMode::automatic);
  const auto never = progress_style(ProgressMode::never);
  unsetenv("SLURM_JOB_ID");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(by_itself, Progress::Style::none);
  EXPECT_EQ(always, Progress::Style::lines);
  EXPECT_EQ(in_batch, Progress::Style::lines);
  EXPECT_EQ(never, Progress::Style::none);
}

}  // namespace
}  // namespace paceline
