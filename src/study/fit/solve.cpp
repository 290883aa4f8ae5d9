#include "study/fit/solve.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <Eigen/Dense>
#include <unsupported/Eigen/NonLinearOptimization>

namespace paceline {
namespace {

using Eigen::Index;

/// Residuals (log y - log T)/sd of those coefficients that are free, in the form that Eigen's optimiser takes.
struct Residuals {
  const Eigen::MatrixXd& terms;  ///< a row per layout, a column a free coefficient
  const Eigen::VectorXd& log_s;  ///< without what doesn't depend on coefficients
  const Eigen::VectorXd& inverse_sd;
  double sign;  ///< log T = sign * log(terms * coefficients)
  Objective objective;

  [[nodiscard]] int inputs() const { return static_cast<int>(terms.cols()); }
  [[nodiscard]] int values() const { return static_cast<int>(terms.rows()); }

  int operator()(const Eigen::VectorXd& coefficients, Eigen::VectorXd& residuals) const {
    const Eigen::VectorXd sums = terms * coefficients;
    // A time that is not positive has no logarithm: such a step is so bad that it is taken back.
    if (!(sums.minCoeff() > 0)) {
      residuals.setConstant(values(), 1e100);
    } else if (objective == Objective::throughput) {
      residuals = inverse_sd - ratios(sums).cwiseProduct(inverse_sd);
    } else {
      residuals = (log_s - sign * sums.array().log().matrix()).cwiseProduct(inverse_sd);
    }
    return 0;
  }
  /// The law's throughput over the measured one.
  [[nodiscard]] Eigen::VectorXd ratios(const Eigen::VectorXd& sums) const {
    return (log_s.array() - sign * sums.array().log()).exp();
  }
  int df(const Eigen::VectorXd& coefficients, Eigen::MatrixXd& jacobian) const {
    const Eigen::VectorXd sums = terms * coefficients;
    if (objective == Objective::throughput) {
      const Eigen::VectorXd slope = sign * ratios(sums).cwiseProduct(inverse_sd).cwiseQuotient(sums);
      jacobian = slope.asDiagonal() * terms;
      return 0;
    }
    jacobian = (-sign * inverse_sd.cwiseQuotient(sums)).asDiagonal() * terms;
    return 0;
  }
};

/// Least squares of relative errors, which are linear in the coefficients: close to the answer where noise is small.
Eigen::VectorXd linear_start(const Residuals& problem) {
  const Eigen::VectorXd inverse = (-problem.sign * problem.log_s).array().exp();
  const Eigen::MatrixXd rows = (inverse.cwiseProduct(problem.inverse_sd)).asDiagonal() * problem.terms;
  const Eigen::MatrixXd square = rows.transpose() * rows;
  return square.ldlt().solve(rows.transpose() * problem.inverse_sd);
}

/// All terms in equal parts, at the scale of the times.
Eigen::VectorXd even_start(const Residuals& problem) {
  const Eigen::VectorXd sums = problem.terms.rowwise().sum();
  const double scale = std::exp((problem.sign * problem.log_s - sums.array().log().matrix()).mean());
  return Eigen::VectorXd::Constant(problem.terms.cols(), scale);
}

struct Minimum {
  Eigen::VectorXd coefficients;
  double chi_squared = std::numeric_limits<double>::infinity();
};

Minimum minimise(const Residuals& problem) {
  Minimum best;
  for (const auto& start : {linear_start(problem), even_start(problem)}) {
    Eigen::VectorXd x = start;
    // A linear answer outside of what has a logarithm is brought back; the even one always is inside.
    if (!x.allFinite() || !((problem.terms * x).minCoeff() > 0)) continue;
    Eigen::LevenbergMarquardt<const Residuals> optimiser(problem);
    optimiser.parameters.maxfev = 100;
    optimiser.parameters.xtol = optimiser.parameters.ftol = 1e-10;
    optimiser.minimize(x);
    const double chi_squared = optimiser.fvec.squaredNorm();
    if (x.allFinite() && chi_squared < best.chi_squared) best = {x, chi_squared};
    if (best.coefficients.size() > 0 && best.coefficients.minCoeff() >= 0) break;
  }
  return best;
}

}  // namespace

double log_time(const Model& model, const Values& values, const Layout& layout) {
  return std::log(model.predict(values, layout));
}

Solver::Solver(const Model& model, std::vector<Layout> layouts, Objective objective)
    : model_(&model), objective_(objective), layouts_(std::move(layouts)) {
  for (const auto& layout : layouts_) terms_.push_back(model.terms(layout));
  for (std::size_t k = 0; k < model.size(); ++k) {
    for (const auto& row : terms_) scale_[k] = std::max(scale_[k], row[k]);
    if (scale_[k] <= 0) continue;
    for (auto& row : terms_) row[k] /= scale_[k];
  }
}

bool Solver::is_determined() const {
  const auto columns = static_cast<Index>(model_->size());
  if (static_cast<Index>(terms_.size()) < columns) return false;
  Eigen::MatrixXd rows(static_cast<Index>(terms_.size()), columns);
  for (Index i = 0; i < rows.rows(); ++i) {
    for (Index k = 0; k < columns; ++k) rows(i, k) = terms_[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)];
  }
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> decomposition(rows);
  decomposition.setThreshold(1e-9);
  return decomposition.rank() == columns;
}

std::optional<Solution> Solver::solve(const std::vector<double>& log_s, const std::vector<double>& variance) const {
  const auto rows = static_cast<Index>(layouts_.size());
  const double sign = model_->mode == ScalingMode::strong ? 1 : -1;
  Eigen::VectorXd times(rows), inverse_sd(rows);
  for (Index i = 0; i < rows; ++i) {
    const auto n = static_cast<std::size_t>(i);
    times[i] = log_s[n] - (sign > 0 ? 0 : std::log(layouts_[n].cores()));
    inverse_sd[i] = 1 / std::sqrt(variance[n]);
  }

  // Coefficients are not negative. If the best without that rule keeps it, that is the answer; if not, the answer lies
  // on a face, where some coefficients are zero: with three of them there are few enough faces to look at all.
  const auto all = (1U << model_->size()) - 1;
  Solution best{{}, std::numeric_limits<double>::infinity(), 0};
  std::vector<unsigned> settled;
  for (auto count = static_cast<int>(model_->size()); count > 0; --count) {
    for (unsigned free = 1; free <= all; ++free) {
      const auto is_part = [&](unsigned larger) { return (free & larger) == free; };
      if (std::popcount(free) != count || std::any_of(settled.begin(), settled.end(), is_part)) continue;
      Eigen::MatrixXd terms(rows, count);
      for (Index i = 0; i < rows; ++i) {
        for (Index k = 0, column = 0; k < static_cast<Index>(model_->size()); ++k) {
          if ((free >> k & 1U) != 0)
            terms(i, column++) = terms_[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)];
        }
      }
      // Without this term a layout would have no time at all.
      if (!(terms.rowwise().sum().minCoeff() > 0)) continue;
      const auto minimum = minimise({terms, times, inverse_sd, sign, objective_});
      if (minimum.coefficients.size() == 0 || minimum.coefficients.minCoeff() < 0) continue;
      Values coefficients{};
      for (std::size_t k = 0, column = 0; k < model_->size(); ++k) {
        if ((free >> k & 1U) != 0) coefficients[k] = minimum.coefficients[static_cast<Index>(column++)] / scale_[k];
      }
      const auto values = model_->values(coefficients);
      if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) continue;
      settled.push_back(free);
      if (minimum.chi_squared >= best.chi_squared) continue;
      best = {values, minimum.chi_squared, count};
    }
    if (count == static_cast<int>(model_->size()) && !settled.empty()) break;
  }
  if (settled.empty()) return std::nullopt;
  return best;
}

}  // namespace paceline
