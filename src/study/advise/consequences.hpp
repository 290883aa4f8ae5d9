// What follows from a fitted law: how fast it can ever get, where it is fastest, how many cores are used well.
#pragma once

#include <optional>
#include <vector>

#include "study/advise/layouts.hpp"
#include "study/fit/fit.hpp"

namespace paceline {

struct Consequences {
  std::optional<Interval> amdahl_limit;      ///< speed-up on any number of cores: 1/serial_fraction; may be infinite
  std::optional<Interval> usl_peak_cores;    ///< sqrt((1 - contention)/coherency); infinite without coherency
  std::optional<Interval> usl_peak_speedup;  ///< over one core, there
  double threshold = 0.75;                   ///< of efficiency
  std::optional<Layout> at_threshold;        ///< of the measured layouts at or above it, that of most cores
  /// Most cores with such an efficiency, over one core, by the law that is believed. Up to 2^20.
  std::optional<int> cores_by_law;
};

/// `chosen`: the law that is believed, or nullptr.
Consequences consequences_of(const std::vector<ModelFit>& fits, const ModelFit* chosen,
                             const std::vector<LayoutRow>& layouts, double threshold);

}  // namespace paceline
