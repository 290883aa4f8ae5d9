// The distributions that intervals and tests need; by Boost.Math, with infinite degrees of freedom.
#pragma once

namespace paceline {

/// P(X <= x) of the standard normal distribution.
double normal_cdf(double x);
/// The x with normal_cdf(x) = p, 0 < p < 1.
double normal_quantile(double p);

/// P(X <= x) of Student's t with df > 0 degrees of freedom; df may be infinite.
double t_cdf(double x, double df);
/// The x with t_cdf(x, df) = p, 0 < p < 1.
double t_quantile(double p, double df);
/// P(|X| >= |x|).
double t_two_sided(double x, double df);

/// P(X >= x) of the F distribution, x >= 0; `below` may be infinite.
double f_above(double x, double above, double below);
/// P(X >= x) of the chi-squared distribution, x >= 0.
double chi_squared_above(double x, double df);

/// First and second derivative of log Gamma, x > 0, and the x > 0 whose trigamma() is y > 0.
double digamma(double x);
double trigamma(double x);
double trigamma_inverse(double y);

}  // namespace paceline
