// The laws of scaling that times are fitted by: one table, which the fit, the JSON, the report and the tests read.
#pragma once

#include <array>
#include <limits>
#include <span>
#include <string_view>

#include "study/sample.hpp"

namespace paceline {

/// What a law says a value must be: a fraction lies in [0, 1], a rate or a time is not negative.
struct ModelParameter {
  std::string_view name;
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
};

/// A law's numbers; the last is not used by laws of two.
using Values = std::array<double, 3>;

/// A law T(layout) of the time in seconds. Each is a sum of non-negative coefficients times known terms of the layout,
///   strong scaling: T = sum c_k * term_k,   weak scaling: T = cores / sum c_k * term_k,
/// so that bounds on parameters are bounds of zero on coefficients; `values` and `coefficients` turn one into the
/// other.
struct Model {
  std::string_view name;
  ScalingMode mode;
  std::string_view formula;
  std::string_view source;  ///< the paper it comes from
  std::span<const ModelParameter> parameters;
  /// Seconds, by the formula as it is written. Parameters in the order of `parameters`.
  double (*predict)(const Values& parameters, const Layout& layout);
  Values (*terms)(const Layout& layout);
  Values (*coefficients)(const Values& parameters);
  Values (*values)(const Values& coefficients);
  /// What a study must have for the parameters to be told apart.
  std::string_view needs;

  [[nodiscard]] std::size_t size() const { return parameters.size(); }
};

/// All of them, those of fewer parameters first.
std::span<const Model> models();
/// nullptr if there is none of that name.
const Model* find_model(std::string_view name);

}  // namespace paceline
