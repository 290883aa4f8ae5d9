#include <paceline/error.hpp>

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(Error, IsProblemWhySuggestion) {
  EXPECT_STREQ(Error(ExitCode::output, "can't write", "no space", "free some").what(),
               "can't write (no space); free some");
  EXPECT_STREQ(Error(ExitCode::output, "can't write", "", "free some").what(), "can't write; free some");
  EXPECT_STREQ(Error(ExitCode::output, "can't write", "no space").what(), "can't write (no space)");
  EXPECT_STREQ(Error(ExitCode::output, "can't write").what(), "can't write");
  EXPECT_EQ(Error(ExitCode::output, "can't write").code(), ExitCode::output);
}

TEST(Error, AsAnotherRankToldItKeepsItsSentence) {
  const Error error(ExitCode::input, "a", "b", "c");
  const auto told = Error::told(error.code(), error.what());
  EXPECT_STREQ(told.what(), error.what());
  EXPECT_EQ(told.code(), ExitCode::input);
}

TEST(Error, CodesAreWhatScriptsRelyOn) {
  EXPECT_EQ(static_cast<int>(ExitCode::done), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::failure), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::usage), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::input), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::output), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::check), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::interrupted), 6);
}

TEST(AgreedError, IsCaughtAsErrorWithAllItHas) {
  try {
    throw AgreedError(Error(ExitCode::check, "differs", "item 3"));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::check);
    EXPECT_STREQ(error.what(), "differs (item 3)");
  }
}

}  // namespace
}  // namespace paceline
