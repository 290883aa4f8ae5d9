// Philox against values that NumPy 1.24 gives; tests/program/array_test.py compares whole arrays.
#include "workloads/array/philox.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace paceline::array {
namespace {

std::vector<double> drawn(std::uint64_t key, std::int64_t first, std::size_t count) {
  std::vector<double> values(count);
  philox_uniform(key, first, values);
  return values;
}

TEST(Philox, IsThatOfNumPy) {
  EXPECT_EQ(drawn(0U, 0, 6), (std::vector<double>{0x1.7a5d3204726c0p-7, 0x1.eeb1585ce5460p-3, 0x1.c8667a55d9028p-4,
                                                  0x1.20faf40a5fab6p-1, 0x1.0137e64510730p-1, 0x1.1c44a2e7a01fcp-2}));
  EXPECT_EQ(drawn(1U, 0, 6), (std::vector<double>{0x1.36da89edd58a0p-2, 0x1.b289f407757c1p-1, 0x1.3fc3972bb8304p-3,
                                                  0x1.fda5da5a81200p-6, 0x1.cceffc977a08ap-1, 0x1.aa87b74ada3c0p-5}));
  EXPECT_EQ(drawn(9223372036854775807U, 0, 6),
            (std::vector<double>{0x1.da035681edc78p-1, 0x1.73db1a76cef30p-3, 0x1.3d0f3cbf80adap-1, 0x1.f22340993d45cp-2,
                                 0x1.c683cfb310fbfp-1, 0x1.fb86ac2f77442p-1}));
  EXPECT_EQ(drawn(42U, 1000000000000, 6),
            (std::vector<double>{0x1.ccdb10170d514p-1, 0x1.9a43adbb7c124p-2, 0x1.86e1ba545e1a2p-1, 0x1.099da1b3e2c72p-1,
                                 0x1.e1ed2fde9cb54p-1, 0x1.8ce5c5629a696p-1}));
}

TEST(Philox, IsTheSameWhoeverMakesWhichPart) {
  const auto whole = drawn(3, 0, 1000);
  for (std::int64_t first = 0; first < 40; ++first) {
    for (const std::size_t count : {0, 1, 2, 3, 4, 5, 15, 16, 17, 100}) {
      const auto part = drawn(3, first, count);
      ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first)) << first << ", " << count;
    }
  }
}

TEST(Philox, LiesInTheHalfOpenUnitInterval) {
  double least = 1, most = 0;
  for (const auto value : drawn(9, 0, 100'000)) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  EXPECT_GE(least, 0.0);
  EXPECT_LT(most, 1.0);
  EXPECT_LT(least, 1e-3);
  EXPECT_GT(most, 1 - 1e-3);
}

}  // namespace
}  // namespace paceline::array
