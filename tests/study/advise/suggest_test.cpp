#include "study/advise/suggest.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

#include "study/advise/analysis.hpp"

namespace paceline {
namespace {

TEST(SuggestTest, NothingWhereALawIsResolved) {
  const auto analysis = analyse(test::made_up(*find_model("amdahl"), {0.1, 10, 0}, test::grid(32, 1), {}, 3));
  ASSERT_NE(analysis.chosen(), nullptr);
  EXPECT_TRUE(analysis.suggested.empty());
}

TEST(SuggestTest, TheCheapestFirst) {
  const auto analysis = analyse(test::made_up(*find_model("amdahl"), {0.1, 10, 0}, {{1, 1, 1}, {2, 1, 1}}, {}, 3));
  ASSERT_EQ(analysis.chosen(), nullptr);
  ASSERT_FALSE(analysis.suggested.empty());
  EXPECT_TRUE(std::is_sorted(analysis.suggested.begin(), analysis.suggested.end(),
                             [](const auto& a, const auto& b) { return a.core_hours < b.core_hours; }));
  for (const auto& suggestion : analysis.suggested) {
    EXPECT_GT(suggestion.layout.ranks, 2);
    EXPECT_GT(suggestion.core_hours, 0);
  }
}

/// What is suggested resolves it: the study with it names the law.
TEST(SuggestTest, MeasuringItResolvesTheLaw) {
  const auto& law = *find_model("usl");
  std::vector<Layout> layouts = {{1, 1, 1}, {2, 1, 1}, {4, 1, 1}};
  int resolved = 0;
  constexpr int studies = 10;
  for (std::uint64_t seed = 0; seed < studies; ++seed) {
    auto measured = layouts;
    for (int round = 0; round < 4; ++round) {
      const auto analysis = analyse(test::made_up(law, {0.05, 0.004, 10}, measured, {}, seed));
      if (analysis.chosen() != nullptr) {
        ++resolved;
        break;
      }
      const auto count = std::min<std::size_t>(2, analysis.suggested.size());
      for (std::size_t i = 0; i < count; ++i) measured.push_back(analysis.suggested[i].layout);
    }
  }
  EXPECT_GE(resolved, 8);
}

}  // namespace
}  // namespace paceline
