#include "cli/fit_options.hpp"

#include <gtest/gtest.h>

#include <parsed.hpp>
#include <support.hpp>

#include "cli/parse.hpp"

namespace paceline {
namespace {

using test::parsed;

TEST(FitOptionsTest, Fit) {
  const auto plain = parsed({"fit", "s.h5"});
  EXPECT_EQ(plain.kind, Command::Kind::fit);
  EXPECT_EQ(plain.fit.study, "s.h5");
  EXPECT_EQ(plain.fit.model, "auto");
  EXPECT_FALSE(plain.fit.at);
  EXPECT_FALSE(plain.fit.json);
  const auto all = parsed({"fit", "s.h5", "--model", "two-level", "--at", "8x12", "--json"});
  EXPECT_EQ(all.fit.model, "two-level");
  EXPECT_EQ(all.fit.at, (Layout{8, 12, 1}));
  EXPECT_TRUE(all.fit.json);
}

TEST(FitOptionsTest, Compare) {
  const auto command = parsed({"compare", "a.h5", "b.h5"});
  EXPECT_EQ(command.kind, Command::Kind::compare);
  EXPECT_EQ(command.compare.first, "a.h5");
  EXPECT_EQ(command.compare.second, "b.h5");
}

TEST(FitOptionsTest, MistakesAreTold) {
  const auto expect_usage = [](const std::vector<std::string>& words, const std::string& part) {
    const auto error = test::error_of([&] { parsed(words); });
    ASSERT_TRUE(error) << fmt::format("{}", fmt::join(words, " "));
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::says(*error, part)) << error->what();
  };
  expect_usage({"fit"}, "study is required");
  expect_usage({"fit", "s.h5", "--model", "best"}, "best is not one of auto, amdahl, gustafson, usl, two-level");
  for (const char* at : {"8", "8x", "x8", "0x1", "1x0", "-1x1", "8x12x1", "8 x 12", "1x99999999999", "20000000x1"}) {
    expect_usage({"fit", "s.h5", std::string("--at=") + at}, "is not RANKSxTHREADS, like 8x12");
  }
  expect_usage({"compare", "a.h5"}, "second is required");
}

}  // namespace
}  // namespace paceline
