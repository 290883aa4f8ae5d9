#include <paceline/slab.hpp>

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(Intersect, IsWhatBothHold) {
  EXPECT_EQ(intersect({0, 10}, {5, 15}), (Slab{5, 10}));
  EXPECT_EQ(intersect({5, 15}, {0, 10}), (Slab{5, 10}));
  EXPECT_EQ(intersect({0, 10}, {2, 3}), (Slab{2, 3}));
  for (const auto& nothing : {intersect({0, 5}, {5, 10}), intersect({8, 9}, {0, 2}), intersect({3, 3}, {0, 9})}) {
    EXPECT_TRUE(nothing.empty());
    EXPECT_EQ(nothing.size(), 0) << "an empty slab has no negative size";
  }
}

TEST(EvenPart, CoversEverythingOnceLargerPartsFirst) {
  for (const std::int64_t items : {0, 1, 2, 7, 100, 101}) {
    for (const std::int64_t parts : {1, 2, 3, 5, 64}) {
      const Slab whole{13, 13 + items};
      auto next = whole.begin;
      auto last_size = items;
      for (std::int64_t part = 0; part < parts; ++part) {
        const auto slab = even_part(whole, part, parts);
        EXPECT_EQ(slab.begin, next);
        EXPECT_LE(slab.size(), last_size);
        EXPECT_GE(slab.size(), items / parts);
        EXPECT_LE(slab.size(), (items + parts - 1) / parts);
        next = slab.end;
        last_size = slab.size();
      }
      EXPECT_EQ(next, whole.end);
    }
  }
}

TEST(EvenPart, CountsIn64Bits) {
  constexpr std::int64_t items = 10'000'000'000'000'000;
  EXPECT_EQ(even_part({0, items}, 999'999, 1'000'000).end, items);
  EXPECT_EQ(even_part({0, items}, 500'000, 1'000'000).begin, items / 2);
}

TEST(Merged, SortsAndJoinsWhatTouches) {
  EXPECT_EQ(merged({{5, 7}, {0, 2}, {2, 4}, {9, 9}, {7, 8}}), (std::vector<Slab>{{0, 4}, {5, 8}}));
  EXPECT_TRUE(merged({}).empty());
  EXPECT_TRUE(merged({{3, 3}}).empty());
}

TEST(TotalItems, AddsSizes) {
  EXPECT_EQ(total_items({}), 0);
  EXPECT_EQ(total_items({{0, 4}, {5, 8}}), 7);
  EXPECT_EQ(total_items({{0, 6'000'000'000}, {6'000'000'001, 12'000'000'000}}), 11'999'999'999);
}

}  // namespace
}  // namespace paceline
