#include "cli/profile_options.hpp"

#include <gtest/gtest.h>

#include <parsed.hpp>
#include <support.hpp>

#include "cli/parse.hpp"

namespace paceline {
namespace {

using test::parsed;

TEST(ProfileOptionsTest, LaunchLine) {
  const auto command = parsed({"profile", "--json", "-o", "p.json", "--", "mpirun", "-np", "4", "./solver", "--json"});
  EXPECT_EQ(command.kind, Command::Kind::profile);
  EXPECT_TRUE(command.profile.json);
  EXPECT_EQ(command.profile.output, "p.json");
  EXPECT_FALSE(command.profile.force);
  EXPECT_EQ(command.profile.line, (std::vector<std::string>{"mpirun", "-np", "4", "./solver", "--json"}));
}

TEST(ProfileOptionsTest, MistakesAreTold) {
  const auto missing = test::error_of([] { parsed({"profile"}); });
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->kind(), ErrorKind::usage);
  EXPECT_TRUE(test::says(*missing, "no launch line after --")) << missing->what();
  const auto other = test::error_of([] { parsed({"info", "--", "./solver"}); });
  ASSERT_TRUE(other);
  EXPECT_TRUE(test::says(*other, "./solver")) << other->what();
}

}  // namespace
}  // namespace paceline
