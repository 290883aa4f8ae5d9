// The random numbers of the bootstrap: the same seed gives the same numbers on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace paceline {

class BootstrapGenerator {
 public:
  explicit BootstrapGenerator(std::uint64_t seed) : engine_(seed) {}
  /// In (0, 1).
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  double normal();
  /// One of the values.
  double one_of(const std::vector<double>& values) {
    return values[static_cast<std::size_t>(uniform() * static_cast<double>(values.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

/// The points that leave a part of the values out on either side.
struct Quantiles {
  double low = 0, high = 0;
};
/// Linear between neighbours; `values` may be in any order and must not be empty.
Quantiles quantiles(std::vector<double> values, double tail = 0.025);

}  // namespace paceline
