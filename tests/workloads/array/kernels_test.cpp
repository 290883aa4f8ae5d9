// Every instruction set of this machine against the scalar reference, bit for bit, and sums against exact ones.
#include "workloads/array/kernels.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>
#include <support.hpp>

#include "workloads/array/partial.hpp"

namespace paceline::array {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Numbers of either sign whose sizes span 2^-spread to 2^spread.
std::vector<double> numbers(std::size_t count, std::uint64_t seed, int spread) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = test::scrambled(seed * 1'000'003 + i);
    const double unit = 1 + static_cast<double>(bits >> 12) * 0x1p-52;
    const int power =
        spread == 0 ? 0 : static_cast<int>(test::scrambled(bits) % static_cast<std::uint64_t>(2 * spread)) - spread;
    values[i] = std::ldexp((bits & 1) != 0 ? unit : -unit, power);
  }
  return values;
}

::testing::AssertionResult same_bits(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0) return ::testing::AssertionSuccess();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(double)) != 0) {
      return ::testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
    }
  }
  return ::testing::AssertionFailure();
}

/// All targets and operations; `shift` elements off the alignment that vectors like.
void expect_same(const std::vector<double>& x, const std::vector<double>& y, std::size_t shift = 0) {
  for (const auto& op : operations()) {
    const auto length = op.reduces ? 2 : x.size();
    const auto second = op.arrays > 1 ? std::span<const double>(y) : std::span<const double>();
    std::vector<double> expected(length);
    op.reference(x, second, expected);
    // Aligned but for the shift; a guard behind it: nothing may be written there.
    const auto aligned = hwy::AllocateAligned<double>(shift + length + 16);
    for (const auto target : simd_targets()) {
      std::fill_n(aligned.get(), shift + length + 16, 99.0);
      kernel_on(target, op.name)(x, second, {aligned.get() + shift, length});
      ASSERT_TRUE(same_bits({aligned.get() + shift, length}, expected))
          << op.name << ", " << hwy::TargetName(target) << ", " << x.size() << " elements, shift " << shift;
      for (std::size_t i = 0; i < 16; ++i) ASSERT_EQ(aligned[shift + length + i], 99.0) << op.name;
    }
    std::vector<double> chosen(length);
    op.run(x, second, chosen);
    ASSERT_TRUE(same_bits(chosen, expected)) << op.name;
  }
}

TEST(ArrayKernels, SizesThatDivideNothing) {
  for (std::size_t count = 0; count <= 130; ++count) expect_same(numbers(count, 1, 3), numbers(count, 2, 3), count % 9);
  expect_same(numbers(4096, 1, 3), numbers(4096, 2, 3));
  expect_same(numbers(4095, 1, 300), numbers(4095, 2, 300), 1);
}

TEST(ArrayKernels, NaNInfinityAndOtherLimits) {
  const auto special = [] {
    std::vector<double> values = {0.0, -0.0, 1.0, -1.0, infinity, -infinity, nan, 5e-324, -2e-308, 1.7e308, -1.7e308};
    // Two NaN that differ: which one is passed on is told, too.
    double other = nan;
    std::uint64_t bits = 0;
    std::memcpy(&bits, &other, sizeof bits);
    bits |= 0x1234;
    std::memcpy(&other, &bits, sizeof bits);
    values.push_back(other);
    return values;
  }();
  // Every pair, in every position of a vector.
  std::vector<double> x, y;
  for (const double a : special) {
    for (const double b : special) {
      x.push_back(a);
      y.push_back(b);
      expect_same(std::vector<double>(7, a), std::vector<double>(7, b));
      std::vector<double> ones(37, 1.0), twos(37, 2.0);
      ones[x.size() % 37] = a;
      twos[x.size() % 37] = b;
      expect_same(ones, twos);
    }
  }
  expect_same(x, y);
  expect_same(std::vector<double>(100, 1.7e308), std::vector<double>(100, 1.7e308));
}

TEST(ArrayKernels, ElementwiseByDefinition) {
  const std::vector<double> x = {1, 2, 0.1}, y = {4, 0.5, 0.2};
  std::vector<double> z(3);
  operation("multiply").run(x, y, z);
  EXPECT_EQ(z, (std::vector<double>{4, 1, 0.1 * 0.2}));
  operation("add").run(x, y, z);
  EXPECT_EQ(z, (std::vector<double>{5, 2.5, 0.1 + 0.2}));
  operation("triad").run(x, y, z);
  EXPECT_EQ(z, (std::vector<double>{13, 3.5, 0.1 + 3 * 0.2}));
}

TEST(ArrayKernels, SumsAreThoseOfTwiceThePrecision) {
  // Numbers and their negatives, far apart, and one that is left over: a plain sum has nothing of it.
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    auto x = numbers(2000, seed, 25);
    const auto half = x.size();
    for (std::size_t i = 0; i < half; ++i) x.push_back(-x[(i * 7) % half]);
    x[x.size() / 3] += 0.0;
    const double rest = std::ldexp(1.0 + static_cast<double>(seed), -20);
    x.push_back(rest);
    std::array<double, 2> out{};
    operation("sum").run(x, {}, out);
    EXPECT_EQ(out[0] + out[1], rest) << seed;

    std::vector<double> ones(x.size(), 1.0);
    operation("dot").run(x, ones, out);
    EXPECT_EQ(out[0] + out[1], rest) << seed;
  }
  // Products whose rounding errors are all that is left: (1 + e)(1 - e) - 1 = -e^2.
  const std::vector<double> a = {1 + 0x1p-30, 1.0}, b = {1 - 0x1p-30, -1.0};
  std::array<double, 2> out{};
  operation("dot").run(a, b, out);
  EXPECT_EQ(out[0] + out[1], -0x1p-60);
}

TEST(ArrayKernels, RefusesATargetThatIsNotThere) {
  EXPECT_THROW(kernel_on(0, "sum"), std::invalid_argument);
  EXPECT_THROW(kernel_on(simd_targets().front(), "divide"), std::invalid_argument);
  EXPECT_THROW(operation("divide"), std::out_of_range);
  EXPECT_GE(simd_targets().size(), 2U);
}

}  // namespace
}  // namespace paceline::array
