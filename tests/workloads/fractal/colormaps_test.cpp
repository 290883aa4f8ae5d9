#include "workloads/fractal/colormaps.hpp"

#include <set>

#include <gtest/gtest.h>

namespace paceline::fractal {
namespace {

TEST(Colormaps, HaveTheColoursThatMatplotlibHas) {
  EXPECT_EQ(colormap("viridis").front(), (Colour{0x44, 0x01, 0x54}));
  EXPECT_EQ(colormap("viridis")[128], (Colour{0x21, 0x91, 0x8c}));
  EXPECT_EQ(colormap("viridis").back(), (Colour{0xfd, 0xe7, 0x25}));
  EXPECT_EQ(colormap("magma").back(), (Colour{0xfc, 0xfd, 0xbf}));
  EXPECT_EQ(colormap("inferno").back(), (Colour{0xfc, 0xff, 0xa4}));
}

TEST(Colormaps, AreSmooth) {
  const auto names = colormap_names();
  EXPECT_GE(names.size(), 3U);
  for (const auto& name : names) {
    const auto map = colormap(name);
    EXPECT_GT(std::set<Colour>(map.begin(), map.end()).size(), 200U) << name;
    for (std::size_t i = 1; i < map.size(); ++i) {
      for (std::size_t c = 0; c < 3; ++c) ASSERT_LE(std::abs(map[i][c] - map[i - 1][c]), 12) << name << " " << i;
    }
  }
}

}  // namespace
}  // namespace paceline::fractal
