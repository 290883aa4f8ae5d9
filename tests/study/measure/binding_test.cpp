// The gate: has each thread a core of its own? Small cases by hand, random ones against trying all assignments.
#include "study/measure/binding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include <support.hpp>

namespace paceline {
namespace {

std::string trouble(const std::vector<ProbedProcess>& found, int processes, int threads) {
  return why_badly_bound(found, processes, threads).value_or("");
}

TEST(Binding, IsGoodWhenEachThreadCanHaveACore) {
  EXPECT_EQ(trouble({{"n", 0, 1, {{0}}}}, 1, 1), "");
  EXPECT_EQ(trouble({{"n", 0, 1, {{0}, {1}}}, {"n", 1, 2, {{2}, {3}}}}, 2, 2), "");
  EXPECT_EQ(trouble({{"n", 0, 1, {{0, 1}, {0, 1}}}}, 1, 2), "") << "threads may move";
  // Only one assignment works: 2 to the first, 1 to the second, 0 to the third.
  EXPECT_EQ(trouble({{"n", 0, 1, {{0, 1, 2}, {0, 1}, {0}}}}, 1, 3), "");
  EXPECT_EQ(trouble({{"a", 0, 7, {{0}}}, {"b", 1, 7, {{0}}}}, 2, 1), "") << "cores of two hosts";
}

TEST(Binding, IsBadWhenThreadsMustShare) {
  EXPECT_EQ(trouble({{"n", 0, 1, {{0}, {0}}}}, 1, 2), "2 threads share 1 core of n (0)");
  EXPECT_EQ(trouble({{"n", 0, 1, {{3}}}, {"n", 1, 2, {{3}}}}, 2, 1), "2 threads share 1 core of n (3)");
  // The one that has a core of its own is not blamed.
  EXPECT_EQ(trouble({{"n", 0, 1, {{9}, {0, 1}, {0, 1}, {0, 1}}}}, 1, 4), "3 threads share 2 cores of n (0-1)");
}

TEST(Binding, IsBadWhenSomethingElseStarted) {
  EXPECT_EQ(trouble({}, 2, 1), "0 processes started instead of 2");
  EXPECT_EQ(trouble({{"n", 0, 1, {{0}}}}, 2, 1), "1 process started instead of 2");
  EXPECT_EQ(trouble({{"n", 0, 1, {{0}}}, {"n", 0, 1, {{0}}}}, 2, 1), "1 process started instead of 2") << "told twice";
  EXPECT_EQ(trouble({{"n", 3, 1, {{0}}}}, 1, 2), "rank 3 has 1 thread instead of 2");
}

TEST(Binding, AgreesWithTryingEverything) {
  std::mt19937 random(5);
  int bad = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto threads = 1 + random() % 5;
    std::vector<std::vector<int>> allowed(threads);
    for (auto& cores : allowed) {
      for (int core = 0; core < 5; ++core) {
        if (random() % 3 == 0) cores.push_back(core);
      }
    }
    std::vector<int> order = {0, 1, 2, 3, 4};
    bool is_possible = false;
    do {
      bool fits = true;
      for (std::size_t t = 0; t < threads; ++t)
        fits = fits && std::count(allowed[t].begin(), allowed[t].end(), order[t]);
      is_possible = is_possible || fits;
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(trouble({{"n", 0, 1, allowed}}, 1, static_cast<int>(threads)).empty(), is_possible);
    bad += is_possible ? 0 : 1;
  }
  EXPECT_GT(bad, 100);
  EXPECT_LT(bad, 1900);
}

TEST(Binding, IsReadFromWhatTheProbePrints) {
  const std::string output =
      "Warning: something\n"
      "{\"paceline_probe\":1,\"host\":\"n1\",\"rank\":1,\"pid\":17,\"cores\":[\"0-2 5\",\"7\"]}\n"
      "[1,0]<stdout>:{\"paceline_probe\":1,\"host\":\"n1\",\"rank\":0,\"pid\":18,\"cores\":[\"\"]}\n"
      "{\"paceline_probe\":1,\"host\":\"n1\",\"ra\n";
  const auto found = parse_probe(output);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].host, "n1");
  EXPECT_EQ(found[0].rank, 1);
  EXPECT_EQ(found[0].pid, 17);
  EXPECT_EQ(found[0].cores, (std::vector<std::vector<int>>{{0, 1, 2, 5}, {7}}));
  EXPECT_EQ(found[1].cores, (std::vector<std::vector<int>>{{}}));
  // A thread that may run nowhere is no thread with a core of its own.
  EXPECT_NE(trouble({found[1]}, 1, 1), "");
}

TEST(Ranges, GoBothWays) {
  EXPECT_EQ(ranges({0, 1, 2, 5, 7, 8}), "0-2 5 7-8");
  EXPECT_EQ(ranges({}), "");
  std::vector<int> many(300);
  std::iota(many.begin(), many.end(), 40);
  EXPECT_EQ(numbers_in(ranges(many)), many);
  EXPECT_EQ(numbers_in("0-1,4"), (std::vector<int>{0, 1, 4})) << "as Linux writes it";
}

}  // namespace
}  // namespace paceline
