// Against values from printed tables (Abramowitz and Stegun 1964; NIST handbook of statistics).
#include "study/fit/distributions.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace paceline {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(DistributionsTest, Normal) {
  EXPECT_NEAR(normal_cdf(1.96), 0.9750021, 1e-7);
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(normal_quantile(normal_cdf(-4.5)), -4.5, 1e-9);
}

TEST(DistributionsTest, StudentsT) {
  EXPECT_NEAR(t_quantile(0.975, 1), 12.70620, 1e-5);
  EXPECT_NEAR(t_quantile(0.975, 2), 4.302653, 1e-6);
  EXPECT_NEAR(t_quantile(0.95, 10), 1.812461, 1e-6);
  EXPECT_NEAR(t_quantile(0.025, 10), -2.228139, 1e-6);
  EXPECT_NEAR(t_quantile(0.975, infinity), 1.959964, 1e-6);
  EXPECT_NEAR(t_two_sided(-2.228139, 10), 0.05, 1e-7);
  EXPECT_EQ(t_cdf(0, 3), 0.5);
}

TEST(DistributionsTest, FAndChiSquared) {
  EXPECT_NEAR(f_above(3.325835, 5, 10), 0.05, 1e-6);
  EXPECT_NEAR(f_above(161.4476, 1, 1), 0.05, 1e-6);
  EXPECT_NEAR(f_above(2, 3, infinity), chi_squared_above(6, 3), 1e-12);
  EXPECT_NEAR(chi_squared_above(3.841459, 1), 0.05, 1e-7);
  EXPECT_EQ(f_above(0, 2, 2), 1);
}

TEST(DistributionsTest, DerivativesOfLogGamma) {
  EXPECT_NEAR(digamma(1), -0.5772156649, 1e-9);
  EXPECT_NEAR(trigamma(1), 1.6449340668, 1e-9);
  EXPECT_NEAR(trigamma(0.5), 4.9348022005, 1e-9);
  for (const double x : {0.1, 0.5, 1.0, 3.0, 40.0, 1e4}) EXPECT_NEAR(trigamma_inverse(trigamma(x)) / x, 1, 1e-6) << x;
}

}  // namespace
}  // namespace paceline
