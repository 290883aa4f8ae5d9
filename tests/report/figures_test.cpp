#include "report/figures.hpp"

#include <gtest/gtest.h>

namespace paceline::figures {
namespace {

TEST(Imbalance, IsSlowestOverMean) {
  EXPECT_EQ(imbalance({1, 1, 1}), 1.0);
  EXPECT_EQ(imbalance({0, 0, 3}), 3.0);
  EXPECT_EQ(imbalance({0, 0}), 1.0) << "nothing was done";
}

}  // namespace
}  // namespace paceline::figures
