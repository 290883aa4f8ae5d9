#include "study/fit/distributions.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>

namespace paceline {
namespace {

namespace math = boost::math;

}  // namespace

double normal_cdf(double x) { return math::cdf(math::normal(), x); }

double normal_quantile(double p) { return math::quantile(math::normal(), p); }

double t_cdf(double x, double df) {
  if (std::isinf(x)) return x > 0 ? 1 : 0;
  return std::isinf(df) ? normal_cdf(x) : math::cdf(math::students_t(df), x);
}

double t_quantile(double p, double df) {
  return std::isinf(df) ? normal_quantile(p) : math::quantile(math::students_t(df), p);
}

double t_two_sided(double x, double df) { return 2 * t_cdf(-std::abs(x), df); }

double f_above(double x, double above, double below) {
  if (x <= 0) return 1;
  if (std::isinf(below)) return chi_squared_above(x * above, above);
  return std::isinf(x) ? 0 : math::cdf(math::complement(math::fisher_f(above, below), x));
}

double chi_squared_above(double x, double df) {
  if (x <= 0) return 1;
  return std::isinf(x) ? 0 : math::cdf(math::complement(math::chi_squared(df), x));
}

double digamma(double x) { return math::digamma(x); }

double trigamma(double x) { return math::trigamma(x); }

double trigamma_inverse(double y) {
  // 1/x < trigamma(x) < 1/x + 1/x^2
  std::uintmax_t steps = 200;
  const auto [low, high] =
      math::tools::toms748_solve([&](double x) { return trigamma(x) - y; }, 1 / y, (1 + std::sqrt(1 + 4 * y)) / (2 * y),
                                 math::tools::eps_tolerance<double>(50), steps);
  return 0.5 * (low + high);
}

}  // namespace paceline
