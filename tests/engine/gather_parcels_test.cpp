// Parcels come to rank 0 whole, sorted by rank and item, and in batches: it never holds all that a rank has.
#include "engine/gather_parcels.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

std::int64_t size_of(std::int64_t item) { return item % 7 == 0 ? 0 : item % 5 == 0 ? 20'000 : 100 * (item % 11); }

std::int64_t total(const std::vector<Parcel>& parcels) {
  return std::accumulate(parcels.begin(), parcels.end(), std::int64_t{0},
                         [](std::int64_t sum, const Parcel& parcel) { return sum + std::ssize(parcel.bytes); });
}

TEST(GatherParcels, ComeInBatches) {
  const auto comm = Comm::world().duplicate();
  constexpr std::int64_t each = 40;
  for (const std::int64_t batch : {0, 1, 3000, 1 << 30}) {
    for (const std::int64_t message : {700, 1 << 30}) {
      // Some ranks have none.
      const auto has_some = [&](int rank) { return rank % 2 == 0 || rank == 3; };
      std::vector<Parcel> mine;
      for (auto item = each * comm.rank(); has_some(comm.rank()) && item < each * (comm.rank() + 1); ++item) {
        const ItemRecord record{0.5, comm.rank(), static_cast<std::int32_t>(item)};
        mine.push_back(
            {item, test::scrambled(static_cast<std::uint64_t>(item)), record, test::item_bytes(item, size_of(item))});
      }
      const auto bytes = total(mine);
      std::vector<std::int64_t> items;
      std::int64_t gone = 0;
      ParcelSteps steps;
      steps.write = [&](std::vector<Parcel> parcels) {
        ASSERT_FALSE(parcels.empty());
        EXPECT_TRUE(parcels.size() == 1 || total(parcels) <= batch);
        for (const auto& parcel : parcels) {
          items.push_back(parcel.item);
          EXPECT_EQ(parcel.bytes, test::item_bytes(parcel.item, size_of(parcel.item)));
          EXPECT_EQ(parcel.digest, test::scrambled(static_cast<std::uint64_t>(parcel.item)));
          EXPECT_EQ(parcel.record.rank, parcel.item / each);
          EXPECT_EQ(parcel.record.thread, parcel.item);
        }
      };
      steps.gone = [&](std::int64_t some) { gone += some; };
      gather_parcels(comm, std::move(mine), batch, steps, message);
      EXPECT_EQ(gone, bytes);
      std::vector<std::int64_t> expected;
      for (int rank = 0; comm.rank() == 0 && rank < comm.size(); ++rank) {
        for (auto item = each * rank; has_some(rank) && item < each * (rank + 1); ++item) expected.push_back(item);
      }
      EXPECT_EQ(items, expected);
    }
  }
}

}  // namespace
}  // namespace paceline
