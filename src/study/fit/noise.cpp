#include "study/fit/noise.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

#include "study/fit/distributions.hpp"

namespace paceline {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// With fewer layouts a block's effect is not told from the noise of its runs.
constexpr std::size_t least_layouts = 4;

/// |differences| of all pairs.
std::vector<double> gaps(const LayoutTimes& layout) {
  std::vector<double> found;
  for (std::size_t i = 0; i < layout.runs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) found.push_back(std::abs(layout.runs[i].deviation - layout.runs[j].deviation));
  }
  return found;
}

/// Robust standard deviation of runs about their layout: |differences| of normal pairs have the median 0.954 sd.
double pooled_scale(const Times& times) {
  std::vector<double> all;
  for (const auto& layout : times.layouts) {
    const auto own = gaps(layout);
    all.insert(all.end(), own.begin(), own.end());
  }
  if (all.empty()) return 0;
  const double half = median_of(all);
  if (half > 0) return half / (std::numbers::sqrt2 * normal_quantile(0.75));
  // A coarse clock tells most times alike.
  const double square = std::inner_product(all.begin(), all.end(), all.begin(), 0.0);
  return std::sqrt(0.5 * square / static_cast<double>(all.size()));
}

/// Q_n of one layout: the first quartile of |differences|, with the factors for few values of Croux and Rousseeuw 1992.
double own_scale(const LayoutTimes& layout) {
  const std::size_t n = layout.runs.size();
  if (n < 5) return 0;
  auto all = gaps(layout);
  const std::size_t h = n / 2 + 1;
  const auto place = all.begin() + static_cast<std::ptrdiff_t>(h * (h - 1) / 2 - 1);
  std::nth_element(all.begin(), place, all.end());
  constexpr double few[] = {0.844, 0.611, 0.857, 0.669, 0.872};  // 5 to 9
  const auto size = static_cast<double>(n);
  const double factor = n < 10 ? few[n - 5] : n % 2 == 1 ? size / (size + 1.4) : size / (size + 3.8);
  return 2.2219 * factor * *place;
}

/// Degrees of freedom that repeats leave, all layouts together.
double repeats_df(const Times& times) {
  double df = 0;
  for (const auto& layout : times.layouts) df += layout.used() ? static_cast<double>(layout.runs.size()) - 1 : 0;
  return df;
}

/// The weight of a run so many "3 standard deviations" from the median.
double weight_at(double distance) { return std::clamp((5.0 / 3 - distance) / (2.0 / 3), 0.0, 1.0); }

/// Weights of runs by their deviations: found by comparing repeats, never by how well a law fits.
void weigh(Times& times) {
  const double pooled = pooled_scale(times);
  const double df = repeats_df(times);
  // "3 standard deviations" where the scale is known from few repeats is more of them.
  const double whole = df > 0 ? -t_quantile(normal_cdf(-3.0), df) : infinity;
  for (auto& layout : times.layouts) {
    const double scale = std::max({pooled, own_scale(layout), least_noise, times.clock_s / layout.median_s});
    std::vector<double> deviations;
    for (const auto& run : layout.runs) deviations.push_back(run.deviation);
    const double middle = median_of(deviations);
    const auto size = static_cast<double>(layout.runs.size());
    layout.count = 0;
    for (auto& run : layout.runs) {
      run.weight = weight_at(std::abs(run.deviation - middle) / scale / whole);
      layout.count += run.weight;
    }
    // Of two runs nobody knows which one is odd, and where half of them are odd none is.
    if (size < 3 || layout.count <= 0.5 * size) {
      for (auto& run : layout.runs) run.weight = 1;
      layout.count = size;
    }
  }
}

double weighted_mean(const LayoutTimes& layout) {
  double sum = 0;
  for (const auto& run : layout.runs) sum += run.weight * run.deviation;
  return sum / layout.count;
}

void centre_on_medians(Times& times) {
  for (auto& layout : times.layouts) {
    std::vector<double> logs;
    for (const auto& run : layout.runs) logs.push_back(run.log_s);
    layout.centre = median_of(logs);
    for (auto& run : layout.runs) run.deviation = run.log_s - layout.centre;
  }
}

}  // namespace

void find_blocks(Times& times) {
  centre_on_medians(times);
  weigh(times);
  // Analysis of variance of layouts and blocks, in turn because not every layout need be in every block.
  struct Block {
    double weight = 0, sum = 0, effect = 0;
    std::size_t layouts = 0;
  };
  std::map<int, Block> blocks;
  double df = 0;
  for (auto& layout : times.layouts) {
    if (layout.runs.size() < 2) continue;
    const double shift = weighted_mean(layout);
    for (auto& run : layout.runs) {
      auto& block = blocks[run.repeat];
      block.weight += run.weight;
      block.sum += run.weight * (run.deviation - shift);
      ++block.layouts;
    }
    df += layout.count - 1;
  }
  std::erase_if(blocks, [](const auto& block) { return block.second.layouts < least_layouts; });
  const auto count = static_cast<double>(blocks.size());
  df -= count - 1;
  if (count < 2 || df < 1) return;
  double between = 0, weight = 0;
  for (auto& [repeat, block] : blocks) {
    if (block.weight > 0) block.effect = block.sum / block.weight;
    between += block.weight * block.effect * block.effect;
    weight += block.weight;
  }
  auto without = times.layouts;
  double within = 0;
  for (auto& layout : without) {
    for (auto& run : layout.runs) {
      if (const auto found = blocks.find(run.repeat); found != blocks.end()) run.deviation -= found->second.effect;
    }
    if (layout.runs.size() < 2) continue;
    const double shift = weighted_mean(layout);
    for (const auto& run : layout.runs) within += run.weight * (run.deviation - shift) * (run.deviation - shift);
  }
  between /= count - 1;
  within = std::max(within / df, least_noise * least_noise);
  times.blocks = static_cast<int>(blocks.size());
  times.block_sd = std::sqrt(std::max(0.0, between - within) * count / weight);
  times.blocks_p = f_above(between / within, count - 1, df);
  // What may be chance stays in the noise; it is shared all the same, so block_sd is kept.
  if (times.blocks_p < 0.05) times.layouts = std::move(without);
}

void find_centres(Times& times) {
  weigh(times);
  for (auto& layout : times.layouts) {
    if (!layout.used()) continue;
    const double shift = weighted_mean(layout);
    layout.centre += shift;
    for (auto& run : layout.runs) {
      run.deviation -= shift;
      if (run.weight < 1) times.outliers.push_back({layout.layout, run.repeat, std::exp(run.deviation), run.weight});
    }
  }
}

void find_noise(Times& times) {
  struct Variance {
    double value = 0, df = 0;
  };
  std::vector<Variance> own;
  double square = 0, df = 0;
  for (const auto& layout : times.layouts) {
    auto& variance = own.emplace_back();
    if (!layout.used()) continue;
    double sum = 0;
    for (const auto& run : layout.runs) sum += run.weight * run.deviation * run.deviation;
    variance.df = layout.count - 1;
    if (variance.df < 0.5) variance.df = 0;
    if (variance.df <= 0) continue;
    variance.value = sum / variance.df;
    square += sum;
    df += variance.df;
  }
  if (df <= 0) return;
  const double pooled = std::max(square / df, least_noise * least_noise);
  times.noise = std::sqrt(pooled);

  // Smyth's prior: how much more do the logs of variances differ than chance makes them?
  std::vector<double> logs, dfs;
  double chance = 0;
  for (const auto& variance : own) {
    if (variance.df < 1) continue;
    const double half = 0.5 * variance.df;
    logs.push_back(std::log(std::max(variance.value, 1e-4 * pooled)) - digamma(half) + std::log(half));
    dfs.push_back(variance.df);
    chance += trigamma(half);
  }
  double prior_df = infinity;
  double prior = pooled;
  if (logs.size() > 2) {
    const auto count = static_cast<double>(logs.size());
    const double mean = std::accumulate(logs.begin(), logs.end(), 0.0) / count;
    double spread = 0;
    for (const double log : logs) spread += (log - mean) * (log - mean);
    const double excess = spread / (count - 1) - chance / count;
    if (excess > 0.01) {
      prior_df = 2 * trigamma_inverse(excess);
      prior = std::exp(mean + digamma(0.5 * prior_df) - std::log(0.5 * prior_df));
    }
  }
  times.df = std::isinf(prior_df) ? df : std::min(df, prior_df + median_of(dfs));
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!times.layouts[i].used()) continue;
    const auto& [value, own_df] = own[i];
    const double moderated = std::isinf(prior_df) ? pooled : (prior_df * prior + own_df * value) / (prior_df + own_df);
    // Times within a step of the clock have the variance step^2/12.
    const double step = times.clock_s / times.layouts[i].median_s / std::sqrt(12.0);
    times.layouts[i].noise = std::max({std::sqrt(moderated), least_noise, step});
  }

  // Deviations from a mean of n are smaller than noise by sqrt((n-1)/n); what is left is scaled as a whole.
  double sum = 0, squares = 0;
  for (const auto& layout : times.layouts) {
    if (layout.count < 1.5) continue;
    const double factor = std::sqrt(layout.count / (layout.count - 1)) / layout.noise;
    for (const auto& run : layout.runs) {
      if (run.weight > 0.5) times.residuals.push_back(run.deviation * factor);
    }
  }
  for (const double r : times.residuals) sum += r;
  const auto size = static_cast<double>(times.residuals.size());
  for (double& r : times.residuals) {
    r -= sum / size;
    squares += r * r;
  }
  if (squares > 0) {
    for (double& r : times.residuals) r /= std::sqrt(squares / size);
  }
}

}  // namespace paceline
