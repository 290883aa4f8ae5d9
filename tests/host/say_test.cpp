#include "host/say.hpp"

#include <gtest/gtest.h>

namespace {

using paceline::printable;

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("a b\\c"), "a b\\c");
  EXPECT_EQ(printable("Größe 大 \U0001f6b4"), "Größe 大 \U0001f6b4");
}

TEST(Printable, KeepsOneLine) {
  EXPECT_EQ(printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(printable("\x1b[1mred\x7f"), "\\x1b[1mred\\x7f");
  EXPECT_EQ(printable("\u0085\u2028"), "\\xc2\\x85\\xe2\\x80\\xa8");
  EXPECT_EQ(printable("exe\u202egnp"), "exe\\xe2\\x80\\xaegnp");
}

TEST(Printable, ShowsBytesThatAreNoText) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("a\xc3"), "a\\xc3");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

}  // namespace
