#include "engine/verify.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

constexpr std::int64_t items = 100, width = 7;

/// Reads right items but those in `wrong`, of which one bit is.
ReadItems reader(std::vector<std::int64_t> wrong) {
  return [wrong](Slab slab, std::span<std::byte> bytes) {
    for (auto item = slab.begin; item < slab.end; ++item) {
      const auto place = bytes.subspan(static_cast<std::size_t>((item - slab.begin) * width), width);
      test::fill_item(item, place);
      if (std::find(wrong.begin(), wrong.end(), item) != wrong.end()) place.back() ^= std::byte{1};
    }
  };
}

TEST(Verify, AcceptsWhatTheReferenceComputes) {
  const test::Numbers workload(items, width);
  for (const std::int64_t limit : {std::int64_t{1}, 4 * 3 * width, std::int64_t{1} << 30}) {
    EXPECT_FALSE(test::error_of([&] { verify(workload, reader({}), 2, limit); }));
  }
}

TEST(Verify, NamesTheFirstWrongItem) {
  const test::Numbers workload(items, width);
  for (const std::int64_t limit : {std::int64_t{1}, 4 * 3 * width, std::int64_t{1} << 30}) {
    const auto error = test::error_of([&] { verify(workload, reader({99, 42, 43}), 2, limit); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ExitCode::check);
    EXPECT_TRUE(test::says(*error, "3 of 100 items differ from the scalar reference, first item 42")) << error->what();
  }
  EXPECT_TRUE(test::error_of([&] { verify(workload, reader({0}), 1, 1); }));
  EXPECT_TRUE(test::error_of([&] { verify(workload, reader({99}), 1, 1); }));
}

}  // namespace
}  // namespace paceline
