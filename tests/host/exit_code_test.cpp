#include "host/exit_code.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(ExitCode, IsWhatScriptsRelyOn) {
  const auto number = [](ErrorKind kind) { return static_cast<int>(exit_code_of(kind)); };
  EXPECT_EQ(static_cast<int>(ExitCode::done), 0);
  EXPECT_EQ(number(ErrorKind::failure), 1);
  EXPECT_EQ(number(ErrorKind::usage), 2);
  EXPECT_EQ(number(ErrorKind::input), 3);
  EXPECT_EQ(number(ErrorKind::output), 4);
  EXPECT_EQ(number(ErrorKind::check), 5);
  EXPECT_EQ(number(ErrorKind::interrupted), 6);
}

}  // namespace
}  // namespace paceline
