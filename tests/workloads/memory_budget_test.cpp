#include "workloads/memory_budget.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace paceline {
namespace {

TEST(MemoryBudget, CountsWhatIsHeld) {
  MemoryBudget budget(100);
  EXPECT_EQ(budget.limit(), 100);
  EXPECT_EQ(budget.held(), 0);
  budget.take(70);
  budget.take(50);
  EXPECT_EQ(budget.held(), 120) << "whoever takes judges";
  budget.give_back(70);
  EXPECT_EQ(budget.held(), 50);
}

TEST(MemoryBudget, IsForManyThreads) {
  MemoryBudget budget(100);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&budget, t] {
      for (int i = 0; i < 10'000; ++i) {
        budget.take(3);
        budget.give_back(i == 0 ? 2 - t : 3);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(budget.held(), 1 + 2 + 3 + 4);
}

}  // namespace
}  // namespace paceline
