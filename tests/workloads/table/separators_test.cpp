// Separators: every SIMD target finds what one byte after the other finds, wherever a scan is cut.
#include "workloads/table/separators.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <random>
#include <string>

namespace paceline::table {
namespace {

std::string random_text(std::mt19937_64& random, std::size_t size) {
  // Quotes are rare in some texts and everywhere in others.
  const std::string all = "aaaaaa,,\n\r\"\xc3\xa9 \"\n" + std::string(1, '\0');
  const std::size_t sizes[] = {9, 10, all.size() - 1, all.size()};
  const auto letters = all.substr(0, sizes[random() % 4]);
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += letters[random() % letters.size()];
  return text;
}

void expect_same(const Separators& a, const Separators& b) {
  EXPECT_EQ(a.positions, b.positions);
  EXPECT_EQ(a.line_ends, b.line_ends);
  EXPECT_EQ(a.wrong, b.wrong);
  EXPECT_EQ(a.has_high_bytes, b.has_high_bytes);
  EXPECT_EQ(a.has_nul, b.has_nul);
  EXPECT_EQ(a.has_quotes, b.has_quotes);
  auto doubled = a.doubled, other = b.doubled;
  doubled.resize(std::max(a.doubled.size(), b.doubled.size()));
  other.resize(doubled.size());
  EXPECT_EQ(doubled, other);
}

TEST(Separators, AreTheSameOnEveryTarget) {
  ASSERT_FALSE(simd_targets().empty());
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    const auto text = random_text(random, random() % 300);
    ScanState state;
    state.inside = round % 3 == 0 ? ~std::uint64_t{0} : 0;
    if (state.inside != 0) state.may_open = 0;
    auto expected_state = state;
    Separators expected;
    find_separators_reference(text.data(), text.size(), 1000, expected_state, expected);
    for (const auto target : simd_targets()) {
      SCOPED_TRACE(target);
      const auto find = find_separators_on(target);
      auto whole_state = state, cut_state = state;
      Separators whole, cut;
      find(text.data(), text.size(), 1000, whole_state, whole);
      expect_same(whole, expected);
      const auto at = text.size() / 2 / 64 * 64;
      find(text.data(), at, 1000, cut_state, cut);
      find(text.data() + at, text.size() - at, 1000 + static_cast<std::uint32_t>(at), cut_state, cut);
      expect_same(cut, expected);
      EXPECT_EQ(cut_state.inside, expected_state.inside);
    }
  }
}

TEST(Separators, SeeWhatIsWrong) {
  const auto wrong_at = [](const std::string& text) {
    ScanState state;
    Separators found;
    find_separators(text.data(), text.size(), 0, state, found);
    return found.wrong == Separators::none ? -1 : static_cast<int>(found.wrong);
  };
  EXPECT_EQ(wrong_at("\"a\"\"b\",\"\"\r\n\"\n\"\n"), -1);
  EXPECT_EQ(wrong_at("\"\"\"\""), -1);
  EXPECT_EQ(wrong_at("a\"b\""), 1);
  EXPECT_EQ(wrong_at("a,\"b\"c"), 5);
  EXPECT_EQ(wrong_at("\"\"\"a\"\"\" \n"), 7);
  EXPECT_EQ(wrong_at("a\rb"), 2);
  EXPECT_EQ(wrong_at("\"a\rb\""), -1);
  EXPECT_EQ(wrong_at(std::string(63, 'a') + "\r\n"), -1);
  EXPECT_EQ(wrong_at(std::string(63, 'a') + "\rb"), 64);
  EXPECT_EQ(wrong_at("\"" + std::string(62, 'a') + "\"b"), 64);
}

}  // namespace
}  // namespace paceline::table
