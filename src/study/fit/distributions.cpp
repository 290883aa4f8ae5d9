#include "study/fit/distributions.hpp"

#include <cmath>
#include <utility>

#include <unsupported/Eigen/SpecialFunctions>

namespace paceline {
namespace {

/// The root of a falling or rising function between two points on either side of it.
template <class Function>
double root(Function&& f, double low, double high) {
  const bool rises = f(high) > f(low);
  for (int i = 0; i < 200 && high - low > 1e-14 * (std::abs(low) + std::abs(high)); ++i) {
    const double middle = 0.5 * (low + high);
    ((f(middle) > 0) == rises ? high : low) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double normal_quantile(double p) { return Eigen::numext::ndtri(p); }

double t_cdf(double x, double df) {
  if (std::isinf(df)) return normal_cdf(x);
  if (std::isinf(x)) return x > 0 ? 1 : 0;
  const double tail = 0.5 * Eigen::numext::betainc(0.5 * df, 0.5, df / (df + x * x));
  return x > 0 ? 1 - tail : tail;
}

double t_quantile(double p, double df) {
  if (std::isinf(df)) return normal_quantile(p);
  if (p < 0.5) return -t_quantile(1 - p, df);
  double high = 1;
  while (t_cdf(high, df) < p && high < 1e12) high *= 2;
  return root([&](double x) { return t_cdf(x, df) - p; }, 0, high);
}

double t_two_sided(double x, double df) { return 2 * t_cdf(-std::abs(x), df); }

double f_above(double x, double above, double below) {
  if (x <= 0) return 1;
  if (std::isinf(below)) return chi_squared_above(x * above, above);
  return Eigen::numext::betainc(0.5 * below, 0.5 * above, below / (below + above * x));
}

double chi_squared_above(double x, double df) { return x > 0 ? Eigen::numext::igammac(0.5 * df, 0.5 * x) : 1; }

double digamma(double x) { return Eigen::numext::digamma(x); }

double trigamma(double x) { return Eigen::numext::zeta(2.0, x); }

double trigamma_inverse(double y) {
  // 1/x < trigamma(x) < 1/x + 1/x^2
  return root([&](double x) { return trigamma(x) - y; }, 1 / y, (1 + std::sqrt(1 + 4 * y)) / (2 * y));
}

}  // namespace paceline
