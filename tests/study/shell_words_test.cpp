// Command lines: what is joined splits into the same words, and placeholders are filled in wherever they are.
#include "study/shell_words.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreSplitAsAShellWould) {
  EXPECT_EQ(split_words(""), Words{});
  EXPECT_EQ(split_words("  mpirun  -np\t4\n"), (Words{"mpirun", "-np", "4"}));
  EXPECT_EQ(split_words(R"(a 'b c' "d e" f\ g h'i'j '' "")"), (Words{"a", "b c", "d e", "f g", "hij", "", ""}));
  EXPECT_EQ(split_words(R"('a\b' "a\"b" "a\nb" '"' "'")"), (Words{R"(a\b)", R"(a"b)", R"(a\nb)", "\"", "'"}));
  for (const char* open : {"'", "a \"b", "a 'b\""}) {
    const auto error = test::error_of([&] { split_words(open); });
    ASSERT_TRUE(error) << open;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
  }
}

TEST(Words, SurviveBeingJoined) {
  const Words words = {"plain", "two words", "it's", "", "*.h5", "a\\b", "$HOME", "{ranks}", "\"", "line\nbreak", "#"};
  EXPECT_EQ(split_words(joined(words)), words);
  EXPECT_EQ(joined({"plain", "a=b,c/d.e:f%g-h_i+j@k"}), "plain a=b,c/d.e:f%g-h_i+j@k");
}

TEST(Words, AreFilledIn) {
  const Layout layout{6, 4, 2};
  EXPECT_EQ(filled_in(Words{"{ranks}x{threads}", "{nodes}", "n={scale}{scale}", "{other}", "{}"}, layout),
            (Words{"6x4", "2", "n=2424", "{other}", "{}"}));
  EXPECT_EQ(replaced("aaa", "a", "aa"), "aaaaaa");
  EXPECT_EQ(to_string(layout), "6 x 4 on 2 nodes");
  EXPECT_EQ(to_string(Layout{6, 4, 1}), "6 x 4");
}

}  // namespace
}  // namespace paceline
