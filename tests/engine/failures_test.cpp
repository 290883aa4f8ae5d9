#include "engine/failures.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(Failures, AreCountedAndTheFirstToldInOrder) {
  const auto world = Comm::world().duplicate();
  // Dealt out like cards, last ones first.
  const auto dealt = [&](std::int64_t count) {
    std::vector<Failure> mine;
    for (auto item = count - 1; item >= 0; --item) {
      if (item % world.size() == world.rank()) mine.push_back({10 * item, "item " + std::to_string(item) + "\nfailed"});
    }
    return gather_failures(world, mine);
  };
  EXPECT_EQ(dealt(0).count, 0);
  EXPECT_EQ(list(dealt(0)), "");
  EXPECT_EQ(list(dealt(1)), "paceline: failed: item 0 failed\n");
  const auto many = dealt(50);
  EXPECT_EQ(many.count, 50);
  ASSERT_EQ(many.first.size(), Failures::most_told);
  for (std::size_t i = 0; i < many.first.size(); ++i) {
    EXPECT_EQ(many.first[i].item, static_cast<std::int64_t>(10 * i));
    EXPECT_EQ(many.first[i].what, "item " + std::to_string(i) + " failed");
  }
  EXPECT_NE(list(many).find("item 19 failed\npaceline: failed: and 30 more\n"), std::string::npos) << list(many);
}

}  // namespace
}  // namespace paceline
