#include <paceline/error.hpp>

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(Error, IsProblemWhySuggestion) {
  EXPECT_STREQ(Error(ErrorKind::output, "can't write", "no space", "free some").what(),
               "can't write (no space); free some");
  EXPECT_STREQ(Error(ErrorKind::output, "can't write", "", "free some").what(), "can't write; free some");
  EXPECT_STREQ(Error(ErrorKind::output, "can't write", "no space").what(), "can't write (no space)");
  EXPECT_STREQ(Error(ErrorKind::output, "can't write").what(), "can't write");
  EXPECT_EQ(Error(ErrorKind::output, "can't write").kind(), ErrorKind::output);
}

TEST(Error, AsAnotherRankToldItKeepsItsSentence) {
  const Error error(ErrorKind::input, "a", "b", "c");
  const auto told = Error::told(error.kind(), error.what());
  EXPECT_STREQ(told.what(), error.what());
  EXPECT_EQ(told.kind(), ErrorKind::input);
}

TEST(AgreedError, IsCaughtAsErrorWithAllItHas) {
  try {
    throw AgreedError(Error(ErrorKind::check, "differs", "item 3"));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::check);
    EXPECT_STREQ(error.what(), "differs (item 3)");
  }
}

}  // namespace
}  // namespace paceline
