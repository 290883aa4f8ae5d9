#include "study/advise/compare.hpp"

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

using test::amdahl;

Study plain(std::uint64_t seed, const test::Conditions& conditions = {}) {
  return test::made_up(amdahl, {0.1, 10, 0}, test::grid(8, 2), conditions, seed);
}

TEST(CompareTest, TheSameProgramSeldomDiffers) {
  int wrong = 0, covered = 0, all = 0;
  constexpr int pairs = 200;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    // Each study has its own good and bad minutes.
    const test::Conditions conditions{.repeats = 6, .block_noise = 0.01};
    const auto found = compare(plain(2 * i, conditions), plain(2 * i + 1, conditions));
    bool any = false;
    for (const auto& row : found.layouts) {
      any = any || row.differs;
      covered += row.ratio.low <= 1 && 1 <= row.ratio.high ? 1 : 0;
      ++all;
    }
    wrong += any ? 1 : 0;
  }
  EXPECT_LE(wrong, 0.10 * pairs);
  EXPECT_GE(covered, 0.90 * all);
}

TEST(CompareTest, AGateFailsOnlyBeyondTheInterval) {
  using Gate = LayoutRatio::Gate;
  auto slower = plain(1);
  for (auto& sample : slower.samples) sample.wall_s *= sample.layout == Layout{8, 1, 1} ? 1.2 : 1;
  const auto gate_of = [](const Comparison& comparison, const Layout& layout) {
    for (const auto& row : comparison.layouts) {
      if (row.layout == layout) return row.gate;
    }
    return Gate::none;
  };
  const auto found = compare(plain(0), slower, 0.05);
  EXPECT_EQ(gate_of(found, {8, 1, 1}), Gate::fails);
  EXPECT_TRUE(too_slow(found).starts_with("8 x 1 by ")) << too_slow(found);
  // Slower by as much as the limit: nothing can tell.
  EXPECT_EQ(gate_of(compare(plain(0), slower, 0.2), {8, 1, 1}), Gate::unresolved);
  EXPECT_EQ(gate_of(compare(plain(0), slower, 0.5), {8, 1, 1}), Gate::passes);
  EXPECT_EQ(gate_of(compare(plain(0), slower), {8, 1, 1}), Gate::none);
  EXPECT_EQ(too_slow(compare(plain(0), slower, 0.5)), "");
  const auto once = plain(0, {.repeats = 1});
  EXPECT_EQ(gate_of(compare(once, once, 0.05), {8, 1, 1}), Gate::unresolved) << "nothing was repeated";
}

TEST(CompareTest, ASlowerLayoutIsFound) {
  int found_it = 0, others = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    auto second = plain(2 * i + 1);
    for (auto& sample : second.samples) sample.wall_s *= sample.layout == Layout{8, 1, 1} ? 1.1 : 1;
    for (const auto& row : compare(plain(2 * i), second).layouts) {
      (row.layout == Layout{8, 1, 1} ? found_it : others) += row.differs ? 1 : 0;
      const double truth = row.layout == Layout{8, 1, 1} ? 1.1 : 1;
      EXPECT_NEAR(row.ratio.value, truth, 0.06);
    }
  }
  EXPECT_GE(found_it, 45);
  EXPECT_LE(others, 8);
}

TEST(CompareTest, PValuesAreAdjustedInOrder) {
  auto second = plain(2);
  for (auto& sample : second.samples) sample.wall_s *= 1 + 0.02 * sample.layout.ranks;
  const auto found = compare(plain(1), second);
  for (const auto& row : found.layouts) {
    EXPECT_LE(row.p_value, 1);
    EXPECT_EQ(row.differs, row.p_value < 0.05);
  }
  EXPECT_EQ(compare(plain(1), plain(1)).layouts.front().p_value, 1);
}

TEST(CompareTest, NamesWhatCantBeCompared) {
  auto first = plain(1), second = plain(2);
  first.info.command = "./a";
  second.info.command = "./b";
  first.info.machine = {{"machine", "old"}};
  second.info.machine = {{"machine", "new"}};
  std::erase_if(first.samples, [](const Sample& s) { return s.layout == Layout{1, 2, 1}; });
  for (auto& sample : second.samples) sample.bound_ok = sample.layout != Layout{2, 1, 1};
  const auto found = compare(first, second);
  EXPECT_EQ(found.only_first, (std::vector<Layout>{{2, 1, 1}}));
  EXPECT_EQ(found.only_second, (std::vector<Layout>{{1, 2, 1}}));
  const auto text = text_report(found, "a.h5", "b.h5");
  for (const char* part : {"the commands differ: `./a` and `./b`", "machine differs: old and new", "only in A 2 x 1",
                           "only in B 1 x 2", "a.h5 (A) and b.h5 (B)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  const auto nothing = text_report(compare(first, {}), "a.h5", "b.h5");
  EXPECT_NE(nothing.find("nothing can be compared"), std::string::npos);
}

TEST(CompareTest, WithoutRepeatsNothingIsSignificant) {
  const auto found = compare(plain(1, {.repeats = 1}), plain(2));
  for (const auto& row : found.layouts) EXPECT_FALSE(row.differs);
  EXPECT_NE(text_report(found, "a", "b").find("unknown: nothing was repeated"), std::string::npos);
}

}  // namespace
}  // namespace paceline
