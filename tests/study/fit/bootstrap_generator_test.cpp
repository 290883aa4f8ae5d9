#include "study/fit/bootstrap_generator.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(BootstrapGeneratorTest, AreTheSameOnEveryMachine) {
  BootstrapGenerator generator(1);
  // The first numbers of the 64-bit Mersenne twister with seed 1, by its definition.
  std::mt19937_64 engine(1);
  EXPECT_EQ(generator.uniform(), (static_cast<double>(engine() >> 11) + 0.5) * 0x1p-53);
  EXPECT_EQ(BootstrapGenerator(7).normal(), BootstrapGenerator(7).normal());
  EXPECT_NE(BootstrapGenerator(7).normal(), BootstrapGenerator(8).normal());
}

TEST(BootstrapGeneratorTest, AreNormal) {
  BootstrapGenerator generator(3);
  constexpr int count = 100'000;
  double sum = 0, square = 0;
  for (int i = 0; i < count; ++i) {
    const double x = generator.normal();
    sum += x;
    square += x * x;
  }
  EXPECT_NEAR(sum / count, 0, 0.02);
  EXPECT_NEAR(square / count, 1, 0.02);
}

TEST(BootstrapGeneratorTest, PickEachValue) {
  BootstrapGenerator generator(5);
  std::vector<int> seen(3);
  for (int i = 0; i < 3000; ++i) ++seen[static_cast<std::size_t>(generator.one_of({0, 1, 2}))];
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
}

TEST(BootstrapGeneratorTest, Quantiles) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  EXPECT_DOUBLE_EQ(quantiles(values).low, 2.5);
  EXPECT_DOUBLE_EQ(quantiles(values).high, 97.5);
  EXPECT_EQ(quantiles({4}).low, 4);
}

}  // namespace
}  // namespace paceline
