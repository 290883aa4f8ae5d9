#include "study/advise/consequences.hpp"

#include <algorithm>
#include <cmath>

#include "study/fit/bootstrap_generator.hpp"

namespace paceline {
namespace {

/// A number that follows from a law's parameters, with the interval that the bootstrap's replicates give it.
template <class Follow>
Interval followed(const ModelFit& fit, Follow&& follow) {
  Interval found{follow(fit.values)};
  std::vector<double> values;
  for (const auto& replicate : fit.replicates) values.push_back(follow(replicate));
  if (values.empty()) return found;
  const auto [low, high] = quantiles(std::move(values));
  found.low = std::min(found.value, low);
  found.high = std::max(found.value, high);
  return found;
}

double peak_cores(const Values& v) {
  // At fewer than one core there is no layout.
  return v[1] > 0 ? std::max(1.0, std::sqrt(std::max(0.0, 1 - v[0]) / v[1])) : std::numeric_limits<double>::infinity();
}

double peak_speedup(const Values& v) {
  const double p = peak_cores(v);
  if (std::isinf(p)) return v[0] > 0 ? 1 / v[0] : p;
  return p / (1 + v[0] * (p - 1) + v[1] * p * (p - 1));
}

/// The law's efficiency falls as cores grow: bisection. Several threads per rank are told by two-level alone, as one.
std::optional<int> most_cores(const ModelFit& fit, double threshold) {
  constexpr int most = 1 << 20;
  const auto is_above = [&](int cores) {
    const Layout one{1, 1, 1}, many{cores, 1, 1};
    const double ratio = fit.model->predict(fit.values, one) / fit.model->predict(fit.values, many);
    return ratio / (fit.model->mode == ScalingMode::weak ? 1 : cores) >= threshold;
  };
  int low = 1, high = most;
  if (is_above(most)) return std::nullopt;
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    (is_above(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

Consequences consequences_of(const std::vector<ModelFit>& fits, const ModelFit* chosen,
                             const std::vector<LayoutRow>& layouts, double threshold) {
  Consequences found;
  found.threshold = threshold;
  for (const auto& fit : fits) {
    if (fit.model->name == "amdahl") {
      found.amdahl_limit = followed(fit, [](const Values& v) { return 1 / v[0]; });
    } else if (fit.model->name == "usl") {
      found.usl_peak_cores = followed(fit, peak_cores);
      found.usl_peak_speedup = followed(fit, peak_speedup);
    }
  }
  for (const auto& row : layouts) {
    if (!row.why_not.empty() || !(row.efficiency >= threshold)) continue;
    if (!found.at_threshold || row.layout.cores() > found.at_threshold->cores()) found.at_threshold = row.layout;
  }
  if (chosen != nullptr) found.cores_by_law = most_cores(*chosen, threshold);
  return found;
}

}  // namespace paceline
