#include "study/fit/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/fit/bootstrap_generator.hpp"
#include "study/fit/distributions.hpp"
#include "study/fit/solve.hpp"

namespace paceline {
namespace {

struct Data {
  std::vector<const LayoutTimes*> layouts;
  std::vector<double> log_s;
  std::vector<double> variance;  ///< of log_s
  double df = 0;
};

std::vector<double> residuals_of(const Data& data, const Model& model, const Values& values) {
  std::vector<double> found;
  for (std::size_t i = 0; i < data.layouts.size(); ++i) {
    found.push_back(data.log_s[i] - log_time(model, values, data.layouts[i]->layout));
  }
  return found;
}

/// Equal weights for throughputs: the relative variance grows as the square of the time. Its mean stays what it is.
void weigh_throughputs(Data& data) {
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < data.log_s.size(); ++i) {
    mean += data.variance[i];
    squares += std::exp(2 * data.log_s[i]);
  }
  for (std::size_t i = 0; i < data.log_s.size(); ++i) data.variance[i] = mean * std::exp(2 * data.log_s[i]) / squares;
}

/// The variance t that makes sum r^2/(v + t) equal to `df`; 0 if it is smaller already.
double paule_mandel(const std::vector<double>& residuals, const std::vector<double>& variance, double df) {
  const auto excess = [&](double t) {
    double sum = 0;
    for (std::size_t i = 0; i < residuals.size(); ++i) sum += residuals[i] * residuals[i] / (variance[i] + t);
    return sum - df;
  };
  if (excess(0) <= 0) return 0;
  double low = 0, high = 1e-12;
  while (excess(high) > 0) high *= 4;
  for (int i = 0; i < 60; ++i) (excess(0.5 * (low + high)) > 0 ? low : high) = 0.5 * (low + high);
  return 0.5 * (low + high);
}

/// AICc of the layouts' centres (N. Sugiura 1978; C. M. Hurvich and C.-L. Tsai, Biometrika 76, 1989), as normal with
/// the variance of their noise and of a misfit that is most likely: so repeats of a layout that a law can't reach count
/// once. `runs`: how many it is corrected for. NaN where they are too few.
double aicc_of(const std::vector<double>& residuals, const std::vector<double>& variance, std::size_t parameters,
               double runs) {
  const auto deviance = [&](double misfit) {
    double sum = 0;
    for (std::size_t i = 0; i < residuals.size(); ++i) {
      const double total = variance[i] + misfit;
      sum += std::log(total) + residuals[i] * residuals[i] / total;
    }
    return sum;
  };
  double least = deviance(0);
  double largest = 0;
  for (const double r : residuals) largest = std::max(largest, r * r);
  // From the largest residual down to a millionth of it, in steps of 5 %.
  constexpr int steps = 270;
  for (int i = 0; i < steps; ++i) least = std::min(least, deviance(largest * std::pow(0.95, i)));
  const auto count = static_cast<double>(parameters) + 1;
  if (runs - count - 1 < 0.5) return Interval::unknown;
  return least + 2 * count + 2 * count * (count + 1) / (runs - count - 1);
}

/// Mean of as many residuals as the layout has runs.
double drawn_centre(BootstrapGenerator& generator, const Times& times, const LayoutTimes& layout) {
  const int count = std::max(1, static_cast<int>(std::lround(layout.count)));
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += generator.one_of(times.residuals);
  return layout.noise * sum / count;
}

void bootstrap(ModelFit& fit, const Solver& solver, const Data& data, const Times& times, const FitSettings& settings) {
  const double widening = t_quantile(0.975, data.df) / normal_quantile(0.975);
  const auto blocks = static_cast<double>(times.blocks);
  const double block_scale =
      times.block_sd > 0 ? times.block_sd / std::sqrt(blocks) * t_quantile(0.975, blocks - 1) / normal_quantile(0.975)
                         : 0;
  fit.misfit_scale = fit.misfit * widening;
  BootstrapGenerator generator(settings.seed);
  std::vector<double> law;
  for (const auto* layout : data.layouts) law.push_back(log_time(*fit.model, fit.values, layout->layout));
  std::vector<double> log_s(law.size());
  for (int r = 0; r < settings.replicates; ++r) {
    const double block = block_scale > 0 ? block_scale * generator.normal() : 0;
    for (std::size_t i = 0; i < law.size(); ++i) {
      const double noise = times.residuals.empty() ? std::sqrt(data.variance[i]) * generator.normal()
                                                   : drawn_centre(generator, times, *data.layouts[i]);
      const double misfit = fit.misfit > 0 ? fit.misfit * generator.normal() : 0;
      log_s[i] = law[i] + block + widening * (noise + misfit);
    }
    if (const auto solution = solver.solve(log_s, data.variance)) fit.replicates.push_back(solution->values);
  }
}

Interval enclosing(double value, const std::vector<double>& drawn) {
  if (drawn.empty()) return {value};
  const auto [low, high] = quantiles(drawn);
  return {value, std::min(low, value), std::max(high, value)};
}

}  // namespace

Interval ModelFit::predict(const Layout& layout) const {
  std::vector<double> drawn;
  BootstrapGenerator noise(static_cast<std::uint64_t>(layout.ranks) << 32 | static_cast<std::uint64_t>(layout.threads));
  for (const auto& draw : replicates) {
    const double factor = misfit_scale > 0 ? std::exp(misfit_scale * noise.normal()) : 1;
    drawn.push_back(model->predict(draw, layout) * factor);
  }
  return enclosing(model->predict(values, layout), drawn);
}

Interval ModelFit::law_at(const Layout& layout) const {
  std::vector<double> drawn;
  for (const auto& draw : replicates) drawn.push_back(model->predict(draw, layout));
  return enclosing(model->predict(values, layout), drawn);
}

std::variant<ModelFit, std::string> fit_model(const Model& model, const Times& times, const FitSettings& settings) {
  Data data;
  data.layouts = times.used();
  data.df = times.df;
  std::vector<Layout> layouts;
  double runs = 0;
  for (const auto* layout : data.layouts) {
    layouts.push_back(layout->layout);
    data.log_s.push_back(layout->centre);
    data.variance.push_back(times.has_noise() ? layout->variance() : 1);
    runs += layout->count;
  }
  if (settings.objective == Objective::throughput) weigh_throughputs(data);
  const Solver solver(model, layouts, settings.objective);
  if (!solver.is_determined()) return fmt::format("its {} parameters need {}", model.size(), model.needs);
  auto solution = solver.solve(data.log_s, data.variance);
  if (!solution) return "no parameters within their bounds fit at all";

  ModelFit fit;
  fit.model = &model;
  fit.is_testable = layouts.size() > model.size();
  // A parameter that is held by its bound meets no layout.
  const double spare = static_cast<double>(layouts.size()) - solution->free;
  if (times.has_noise()) {
    fit.misfit_p = spare > 0 ? f_above(solution->chi_squared / spare, spare, times.df) : 1;
    if (fit.misfit_p < 0.05) {
      const double added = paule_mandel(residuals_of(data, model, solution->values), data.variance, spare);
      double own = 0;
      for (double& variance : data.variance) {
        own += variance / static_cast<double>(layouts.size());
        variance += added;
      }
      if (const auto again = solver.solve(data.log_s, data.variance)) solution = again;
      fit.misfit = std::sqrt(added);
      // Degrees of freedom of the sum of two variances (F. E. Satterthwaite, Biometrics Bulletin 2, 1946).
      data.df = (own + added) * (own + added) / (own * own / times.df + added * added / spare);
    }
  } else if (fit.is_testable) {
    // Without repeats only the distance from the law tells of noise.
    const double variance = std::max(solution->chi_squared / spare, least_noise * least_noise);
    if (settings.objective == Objective::throughput) {
      for (double& v : data.variance) v *= variance;
    } else {
      std::fill(data.variance.begin(), data.variance.end(), variance);
    }
    data.df = spare;
  }
  fit.values = solution->values;

  auto residuals = residuals_of(data, model, fit.values);
  if (settings.objective == Objective::throughput) {
    // As shares of the largest throughput: what this objective looks at.
    const double fastest = *std::min_element(data.log_s.begin(), data.log_s.end());
    for (std::size_t i = 0; i < residuals.size(); ++i) {
      residuals[i] = std::exp(fastest - data.log_s[i]) - std::exp(fastest - data.log_s[i] + residuals[i]);
    }
  }
  double square = 0;
  for (const double r : residuals) {
    square += r * r;
    fit.worst = std::max(fit.worst, std::abs(r));
  }
  fit.rms = std::sqrt(square / static_cast<double>(residuals.size()));
  std::vector<double> noise;
  for (const auto* layout : data.layouts) {
    noise.push_back(times.has_noise() ? layout->variance() : least_noise * least_noise);
  }
  if (times.has_noise() || fit.is_testable) fit.aicc = aicc_of(residuals, noise, model.size(), runs);

  if (data.df > 0) bootstrap(fit, solver, data, times, settings);
  for (std::size_t k = 0; k < model.size(); ++k) {
    std::vector<double> drawn;
    for (const auto& draw : fit.replicates) drawn.push_back(draw[k]);
    fit.parameters.push_back(enclosing(fit.values[k], drawn));
  }
  return fit;
}

}  // namespace paceline
