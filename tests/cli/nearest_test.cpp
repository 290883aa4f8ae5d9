#include "cli/nearest.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(Nearest, IsWhatWasMeant) {
  const std::vector<std::string> names = {"--threads", "--threshold", "--output", "-o", "--re", "--rows", "fit"};
  EXPECT_EQ(nearest("--treads", names), "--threads") << "a letter is missing";
  EXPECT_EQ(nearest("--threadds", names), "--threads") << "one too many";
  EXPECT_EQ(nearest("--thraeds", names), "--threads") << "neighbours";
  EXPECT_EQ(nearest("--outptu", names), "--output");
  EXPECT_EQ(nearest("--out", names), "--output") << "its beginning";
  EXPECT_EQ(nearest("fti", names), "fit");
  EXPECT_EQ(nearest("--row", names), "--rows");
}

TEST(Nearest, IsNoneOfAnythingElse) {
  const std::vector<std::string> names = {"--threads", "--threshold", "fit"};
  for (const char* word : {"--colour", "xyz", "", "-", "--", "--thr"}) EXPECT_FALSE(nearest(word, names)) << word;
  EXPECT_FALSE(nearest("--threads", {}));
  EXPECT_FALSE(nearest(std::string(100000, 'x'), {std::string(100001, 'x')})) << "too long to be a name";
}

}  // namespace
}  // namespace paceline
