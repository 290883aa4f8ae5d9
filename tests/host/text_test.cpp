#include "host/text.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(TextTest, PartsAreOneMoreThanSeparators) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("a\nb\n", '\n'), (std::vector<std::string>{"a", "b", ""}));
  EXPECT_EQ(split("a|b", ','), std::vector<std::string>{"a|b"});
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
}

TEST(TextTest, BlanksGoFromTheEndsAlone) {
  EXPECT_EQ(trimmed("\t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("\t a b ", " "), "\t a b");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(TextTest, OneThingHasNoPlural) {
  EXPECT_EQ(plural(0, "rank"), "0 ranks");
  EXPECT_EQ(plural(1, "rank"), "1 rank");
  EXPECT_EQ(plural(std::int64_t{1} << 40, "item"), "1099511627776 items");
}

}  // namespace
}  // namespace paceline
