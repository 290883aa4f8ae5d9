#include <paceline/shared_array.hpp>

#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

TEST(SharedArray, IsOneForAllRanksOfANode) {
  const auto world = Comm::world();
  for (const std::int64_t size : {0, 1, 7, 100'003}) {
    for (const auto content : {NodeMemory::Content::zeroed, NodeMemory::Content::fresh}) {
      const SharedArray<double> array(world, size, content);
      EXPECT_EQ(array.size(), size);
      EXPECT_EQ(array.node().size(), world.size());
      if (content == NodeMemory::Content::zeroed) {
        for (const double value : array.span()) ASSERT_EQ(value, 0.0);
        world.barrier();
      }
      const auto mine = array.part();
      for (auto i = mine.begin; i < mine.end; ++i) array[i] = static_cast<double>(i) + 0.5;
      world.barrier();
      for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(array[i], static_cast<double>(i) + 0.5);
      // Parts are all of it, in rank order.
      std::int64_t covered = 0;
      for (int rank = 0; rank < world.size(); ++rank) {
        EXPECT_EQ(array.part(rank).begin, covered);
        EXPECT_EQ(static_cast<std::int64_t>(array.span(array.part(rank)).size()), array.part(rank).size());
        covered = array.part(rank).end;
      }
      EXPECT_EQ(covered, size);
      world.barrier();
    }
  }
}

TEST(SharedArray, RefusesAWrongSize) {
  EXPECT_THROW(SharedArray<int>(Comm::world(), -1), AgreedError);
  EXPECT_THROW(SharedArray<double>(Comm::world(), INT64_MAX), AgreedError);
  EXPECT_EQ(Comm::world().reduce_all(1, MPI_SUM), Comm::world().size());
}

}  // namespace
}  // namespace paceline
