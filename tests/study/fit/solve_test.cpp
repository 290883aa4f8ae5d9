#include "study/fit/solve.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

TEST(SolveTest, ExactTimesGiveTheParameters) {
  for (const auto& model : models()) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      const auto made = test::random_case(model, seed);
      std::vector<double> log_s;
      for (const auto& layout : made.layouts) log_s.push_back(log_time(model, made.values, layout));
      const Solver solver(model, made.layouts);
      ASSERT_TRUE(solver.is_determined());
      const auto solution = solver.solve(log_s, std::vector<double>(log_s.size(), 1));
      ASSERT_TRUE(solution);
      for (std::size_t k = 0; k < model.size(); ++k) {
        EXPECT_NEAR(solution->values[k], made.values[k], 1e-6 * std::max(made.values[k], 0.01))
            << model.name << " " << model.parameters[k].name << " of study " << seed;
      }
    }
  }
}

/// Values of a law on a grid around some others, within the bounds.
std::vector<Values> around(const Model& model, const Values& centre) {
  std::vector<Values> found;
  const double steps[] = {-0.05, -0.01, -0.001, 0, 0.001, 0.01, 0.05};
  for (const double a : steps) {
    for (const double b : steps) {
      for (const double c : steps) {
        Values values = centre;
        const double step[] = {a, b, c};
        for (std::size_t k = 0; k < model.size(); ++k) {
          const auto& bounds = model.parameters[k];
          const double scale = bounds.name == "t1_s" ? centre[k] : std::isinf(bounds.high) ? 0.1 : 1;
          values[k] = std::clamp(centre[k] + step[k] * scale, bounds.low, bounds.high);
        }
        found.push_back(values);
      }
    }
  }
  return found;
}

TEST(SolveTest, NothingNearbyWithinTheBoundsIsBetter) {
  for (const auto& model : models()) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      const auto made = test::random_case(model, seed);
      BootstrapGenerator noise(seed);
      std::vector<double> log_s, variance;
      for (const auto& layout : made.layouts) {
        log_s.push_back(log_time(model, made.values, layout) + 0.1 * noise.normal());
        variance.push_back(0.5 + noise.uniform());
      }
      const auto solution = Solver(model, made.layouts).solve(log_s, variance);
      ASSERT_TRUE(solution);
      const auto chi_squared = [&](const Values& values) {
        double sum = 0;
        for (std::size_t i = 0; i < log_s.size(); ++i) {
          sum += std::pow(log_s[i] - log_time(model, values, made.layouts[i]), 2) / variance[i];
        }
        return sum;
      };
      EXPECT_NEAR(chi_squared(solution->values), solution->chi_squared, 1e-9 * (1 + solution->chi_squared));
      for (std::size_t k = 0; k < model.size(); ++k) {
        EXPECT_GE(solution->values[k], model.parameters[k].low);
        EXPECT_LE(solution->values[k], model.parameters[k].high);
      }
      for (const auto& values : around(model, solution->values)) {
        EXPECT_GE(chi_squared(values), solution->chi_squared * (1 - 1e-6)) << model.name << " of study " << seed;
      }
    }
  }
}

TEST(SolveTest, KnowsWhatLayoutsCanNotTell) {
  const auto determined = [](const char* name, std::vector<Layout> layouts) {
    return Solver(*find_model(name), std::move(layouts)).is_determined();
  };
  EXPECT_FALSE(determined("amdahl", {}));
  EXPECT_FALSE(determined("amdahl", {{1, 1, 1}}));
  EXPECT_FALSE(determined("amdahl", {{2, 1, 1}, {1, 2, 1}})) << "two layouts of one number of cores";
  EXPECT_TRUE(determined("amdahl", {{1, 1, 1}, {2, 1, 1}}));
  EXPECT_FALSE(determined("usl", {{1, 1, 1}, {2, 1, 1}, {1, 2, 1}}));
  EXPECT_TRUE(determined("usl", {{1, 1, 1}, {2, 1, 1}, {1024, 2, 1}}));
  EXPECT_FALSE(determined("two-level", {{1, 1, 1}, {2, 1, 1}, {4, 1, 1}, {8, 1, 1}})) << "one thread everywhere";
  EXPECT_FALSE(determined("two-level", {{1, 1, 1}, {1, 2, 1}, {1, 4, 1}})) << "one rank everywhere";
  EXPECT_TRUE(determined("two-level", {{1, 1, 1}, {2, 1, 1}, {1, 2, 1}}));
}

}  // namespace
}  // namespace paceline
