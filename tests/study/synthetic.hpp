// Studies made up with known parameters: what a machine with known noise would have measured.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "study/fit/bootstrap_generator.hpp"
#include "study/fit/models.hpp"
#include "study/sample.hpp"

namespace paceline::test {

/// The law that most tests of fits are about.
inline const Model& amdahl = *find_model("amdahl");

struct Conditions {
  int repeats = 5;
  double noise = 0.02;      ///< relative standard deviation of a run
  double outliers = 0;      ///< share of runs that take 1.2 to 2 times as long
  double block_noise = 0;   ///< relative standard deviation of what all runs of a block share
  double drift = 0;         ///< relative change from the first run to the last
  double layout_noise = 1;  ///< up to so many times the noise, differently in each layout
};

/// Runs in interleaved order, after a warm-up block of twice the time.
inline Study made_up(const Model& model, const Values& values, const std::vector<Layout>& layouts,
                     const Conditions& conditions, std::uint64_t seed) {
  BootstrapGenerator generator(seed);
  Study study;
  study.info.command = "made-up";
  study.info.mode = model.mode;
  std::vector<double> factors;
  for (std::size_t i = 0; i < layouts.size(); ++i)
    factors.push_back(std::pow(conditions.layout_noise, generator.uniform()));
  const double last = static_cast<double>(layouts.size()) * (conditions.repeats + 1) - 1;
  for (int block = -1; block < conditions.repeats; ++block) {
    auto order = layouts;
    std::vector<std::size_t> place(layouts.size());
    for (std::size_t i = 0; i < place.size(); ++i) place[i] = i;
    for (std::size_t i = place.size(); i > 1; --i) {
      std::swap(place[i - 1], place[static_cast<std::size_t>(generator.uniform() * static_cast<double>(i))]);
    }
    const double shared = conditions.block_noise * generator.normal();
    for (const auto i : place) {
      Sample sample;
      sample.layout = layouts[i];
      sample.warmup = block < 0;
      sample.repeat = std::max(block, 0);
      sample.order = static_cast<int>(study.samples.size());
      sample.status = SampleStatus::ok;
      double log_s = std::log(model.predict(values, layouts[i])) + shared;
      log_s += conditions.noise * factors[i] * generator.normal() + conditions.drift * sample.order / last;
      if (generator.uniform() < conditions.outliers) log_s += std::log(1.2 + 0.8 * generator.uniform());
      sample.wall_s = std::exp(log_s) * (sample.warmup ? 2 : 1);
      study.samples.push_back(sample);
    }
  }
  return study;
}

/// Powers of two ranks × threads of at most so many cores and threads, on one node each: 1x1, 2x1, 1x2, ...
inline std::vector<Layout> grid(int most_cores, int most_threads) {
  std::vector<Layout> layouts;
  for (int ranks = 1; ranks <= most_cores; ranks *= 2) {
    for (int threads = 1; threads <= most_threads && ranks * threads <= most_cores; threads *= 2) {
      layouts.push_back({ranks, threads, 1});
    }
  }
  return layouts;
}

/// A random study as people make them.
struct Case {
  Values values{};
  std::vector<Layout> layouts;
  Conditions conditions;
};

inline Case random_case(const Model& model, std::uint64_t seed) {
  BootstrapGenerator generator(seed * 7919 + 17);
  const auto between = [&](double low, double high) { return low + (high - low) * generator.uniform(); };
  const auto log_between = [&](double low, double high) { return std::exp(between(std::log(low), std::log(high))); };
  Case made;
  const double t1 = log_between(0.1, 3600);
  // One in ten has nothing serial, no contention, no coherency: truth on a bound.
  const auto or_none = [&](double value) { return generator.uniform() < 0.1 ? 0.0 : value; };
  if (model.name == "usl") {
    made.values = {or_none(log_between(1e-3, 0.3)), or_none(log_between(1e-6, 1e-2)), t1};
  } else if (model.name == "two-level") {
    made.values = {1 - or_none(log_between(1e-3, 0.3)), 1 - or_none(log_between(1e-3, 0.5)), t1};
  } else {
    made.values = {or_none(log_between(1e-3, 0.5)), t1, 0};
  }
  const int most_cores = 1 << static_cast<int>(between(3, 10.999));
  const int most_threads = 1 << static_cast<int>(between(1, 5));
  made.layouts = grid(most_cores, std::min(most_threads, most_cores));
  if (model.name != "two-level" && generator.uniform() < 0.5) {
    std::erase_if(made.layouts, [](const Layout& layout) { return layout.threads > 1; });
  }
  // Nobody runs sixty layouts: some are left out, but never the first four.
  while (made.layouts.size() > 12) {
    made.layouts.erase(made.layouts.begin() + 4 +
                       static_cast<int>(between(0, static_cast<double>(made.layouts.size() - 4))));
  }
  made.conditions.repeats = 3 + static_cast<int>(between(0, 7.999));
  made.conditions.noise = between(0.01, 0.05);
  made.conditions.outliers = generator.uniform() < 0.5 ? 0.03 : 0;
  made.conditions.block_noise = generator.uniform() < 0.3 ? between(0, 0.05) : 0;
  made.conditions.layout_noise = generator.uniform() < 0.3 ? 3 : 1;
  return made;
}

}  // namespace paceline::test
