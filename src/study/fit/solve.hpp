// Weighted least squares of log-times under a law, its parameters within their bounds.
#pragma once

#include <optional>
#include <vector>

#include "study/fit/models.hpp"

namespace paceline {

/// What is held against the law: logarithms of times, so that errors are shares of the time; or throughputs, the
/// inverse of times, as R's package usl does.
enum class Objective { time, throughput };

struct Solution {
  Values values{};         ///< the law's parameters, within their bounds
  double chi_squared = 0;  ///< sum of (log-time - log of the law's time)^2 / variance
  int free = 0;            ///< parameters that are not held by a bound
};

/// The terms of a law at some layouts, ready for many fits of different times at the same places.
class Solver {
 public:
  Solver(const Model& model, std::vector<Layout> layouts, Objective objective = Objective::time);
  /// Can the parameters be told apart at these layouts?
  [[nodiscard]] bool is_determined() const;
  /// `log_s`: the logarithm of each layout's time, because noise is a share of the time; `variance`: of that number.
  /// For throughputs that is their relative variance, and the residual 1 - (law's throughput) / (measured one).
  /// Minimises chi-squared by Levenberg-Marquardt from several starts, on every face of the bounds where it is needed.
  /// Empty if nothing finite was found.
  [[nodiscard]] std::optional<Solution> solve(const std::vector<double>& log_s,
                                              const std::vector<double>& variance) const;

 private:
  const Model* model_;
  Objective objective_;
  std::vector<Layout> layouts_;
  std::vector<Values> terms_;  ///< scaled to a largest entry of 1
  Values scale_{};
};

/// log of the law's seconds.
double log_time(const Model& model, const Values& values, const Layout& layout);

}  // namespace paceline
