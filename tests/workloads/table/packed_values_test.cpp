// Packed values: on every SIMD target what was packed is the same again, bit for bit, and nothing else is packed.
#include "workloads/table/packed_values.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

namespace paceline::table {
namespace {

using Values = std::vector<std::uint64_t>;

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

/// The power of ten, and -1 where they can't be packed.
int packed_places(Kind kind, const Values& values) {
  int all = -1;
  bool is_first = true;
  for (const auto target : simd_targets()) {
    const auto packing = packing_on(target);
    std::vector<std::int32_t> packed(values.size());
    const auto places = packing.pack(kind, values, packed.data());
    if (is_first) all = places.value_or(-1);
    EXPECT_EQ(places.value_or(-1), all) << target;
    is_first = false;
    if (!places) continue;
    Values again(values.size());
    packing.unpack(kind, *places, packed, again.data());
    EXPECT_EQ(again, values) << target;
  }
  return all;
}

Values reals_of(const std::vector<double>& reals) {
  Values values;
  for (const double real : reals) values.push_back(bits(real));
  return values;
}

TEST(PackedValues, AreDecimalsOfNinePlacesAtMost) {
  std::mt19937_64 random(1);
  for (int places = 0; places <= 10; ++places) {
    for (const std::size_t count : {1U, 7U, 40U, 1024U, 5003U}) {
      Values values;
      for (std::size_t k = 0; k < count; ++k) {
        const auto number = static_cast<std::int32_t>(random());
        // It ends with 1, so that it needs all of its places.
        const auto odd = std::abs(static_cast<double>(number / 10 * 10)) + 1;
        const auto text = fmt::format("{}{:.0f}e-{}", number < 0 ? "-" : "", odd, places);
        values.push_back(bits(std::strtod(text.c_str(), nullptr)));
      }
      EXPECT_EQ(packed_places(Kind::real, values), places <= 9 ? places : -1) << count;
    }
  }
}

TEST(PackedValues, AreIntegersOf32Bits) {
  constexpr std::int64_t least = std::numeric_limits<std::int32_t>::min(),
                         most = std::numeric_limits<std::int32_t>::max();
  Values values;
  for (std::int64_t k = 0; k < 3000; ++k) {
    values.push_back(static_cast<std::uint64_t>(k % 2 == 0 ? least + k : most - k));
  }
  values[1] = static_cast<std::uint64_t>(most);
  EXPECT_EQ(packed_places(Kind::integer, values), 0);
  for (const std::size_t at : {0U, 1500U, 2999U}) {
    for (const auto beyond : {least - 1, most + 1, std::numeric_limits<std::int64_t>::min()}) {
      auto with = values;
      with[at] = static_cast<std::uint64_t>(beyond);
      EXPECT_EQ(packed_places(Kind::integer, with), -1) << at << ' ' << beyond;
    }
  }
  EXPECT_EQ(packed_places(Kind::natural, {5, std::uint64_t{1} << 31}), -1);
  EXPECT_EQ(packed_places(Kind::integer, {}), 0);
}

TEST(PackedValues, AreNoRealsThatWouldChange) {
  std::vector<double> good(3000, 12.25);
  EXPECT_EQ(packed_places(Kind::real, reals_of(good)), 2);
  EXPECT_EQ(packed_places(Kind::real, {}), 0);
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double bad : {-0.0, std::nan(""), inf, -inf, 1e300, 5e-324, 21474836.48, -21474836.49, 0.1 + 0.2, 1.0 / 3,
                           0.125, std::nextafter(12.25, 13.0)}) {
    for (const std::size_t at : {0U, 1001U, 2999U}) {
      auto with = good;
      with[at] = bad;
      // One value of three places is found only where it is looked at: no other has them.
      if (bad == 0.125 && at == 0) continue;
      EXPECT_EQ(packed_places(Kind::real, reals_of(with)), -1) << at << ' ' << bad;
    }
  }
  good[0] = 0.125;
  EXPECT_EQ(packed_places(Kind::real, reals_of(good)), 3);
  // The largest of two places.
  EXPECT_EQ(packed_places(Kind::real, reals_of({21474836.47, -21474836.47})), 2);
}

}  // namespace
}  // namespace paceline::table
