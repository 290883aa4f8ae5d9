// Sums that are the same bits for every layout and nearly as good as exact.
//
// A block (4,096 elements, one item) is summed in 16 lanes, element i in lane i mod 16, each with its rounding errors
// added up beside it (Sum2 and Dot2 of Ogita, Rump, Oishi: "Accurate sum and dot product", SIAM J. Sci. Comput. 26,
// 2005): the result is as if computed in twice the working precision and then rounded. The lanes are combined pairwise
// (i and i + 8, then i and i + 4, …), and so are the blocks: 0 and 1, 2 and 3, …, then those pairs, and so on; what
// is left at the end is added from the smallest group to the largest. Nothing of this depends on who computed a block.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace paceline::array {

inline constexpr std::size_t sum_lanes = 16;

/// high + low, |low| at most half a unit in the last place of high. Not finite: high alone.
struct Partial {
  double high = 0;
  double low = 0;

  [[nodiscard]] double value() const { return high + low; }
};

/// The sum of two numbers of any size and its exact rounding error (Knuth, TAOCP 2, 4.2.2).
inline Partial two_sum(double a, double b) {
  const double sum = a + b;
  const double part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

/// One bit pattern for every NaN; infinities have no error to carry.
inline Partial settled(Partial sum) {
  if (std::isnan(sum.high)) return {std::numeric_limits<double>::quiet_NaN(), 0.0};
  if (std::isinf(sum.high)) return {sum.high, 0.0};
  return sum;
}

inline Partial operator+(Partial a, Partial b) {
  const auto sum = two_sum(a.high, b.high);
  if (!std::isfinite(sum.high)) return settled(sum);
  return settled(two_sum(sum.high, sum.low + (a.low + b.low)));
}

/// Combines the lanes of a block: sums and, beside each, its rounding errors.
inline Partial combined_lanes(const double* sums, const double* errors) {
  Partial lanes[sum_lanes];
  for (std::size_t i = 0; i < sum_lanes; ++i) {
    // An overflow leaves no error that means anything.
    lanes[i] = std::isfinite(sums[i]) ? settled(two_sum(sums[i], errors[i])) : settled({sums[i], 0.0});
  }
  for (std::size_t width = sum_lanes / 2; width > 0; width /= 2) {
    for (std::size_t i = 0; i < width; ++i) lanes[i] = lanes[i] + lanes[i + width];
  }
  return lanes[0];
}

/// The tree over blocks, fed in order.
class PartialTree {
 public:
  void add(Partial block) {
    // Like a binary counter: two groups of one size become one.
    for (auto n = count_++; n % 2 == 1; n /= 2) {
      block = groups_.back() + block;
      groups_.pop_back();
    }
    groups_.push_back(block);
  }
  [[nodiscard]] Partial sum() const {
    Partial all;
    for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
      all = group == groups_.rbegin() ? *group : *group + all;
    }
    return all;
  }

 private:
  std::uint64_t count_ = 0;
  std::vector<Partial> groups_;  ///< from large to small
};

}  // namespace paceline::array
