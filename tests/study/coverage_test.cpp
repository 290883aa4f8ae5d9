// Do the 95 % intervals hold the truth as often as they say? Over random studies of known parameters, for every law.
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <study/synthetic.hpp>

#include "study/fit/fit.hpp"

namespace paceline {
namespace {

// Sanitizers look for wrong memory, for which a few studies are enough; their shares say little, within 3 standard
// errors.
#if defined(__SANITIZE_ADDRESS__)
constexpr int studies = 40;
constexpr double lowest = 80, highest = 100;
#else
constexpr int studies = 500;
constexpr double lowest = 90, highest = 99;
#endif

struct Count {
  int covered = 0, above = 0, below = 0;
  void look(const Interval& interval, double truth) {
    const double slack = 1e-9 * std::abs(truth);
    covered += truth >= interval.low - slack && truth <= interval.high + slack ? 1 : 0;
    above += truth > interval.high + slack ? 1 : 0;
    below += truth < interval.low - slack ? 1 : 0;
  }
};

void expect_covered(const char* law) {
  const Model& model = *find_model(law);
  std::vector<Count> counts(model.size() + 1);
  int fitted = 0, misfits = 0;
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < studies; ++i) {
    const auto made = test::random_case(model, static_cast<std::uint64_t>(i));
    const auto study = test::made_up(model, made.values, made.layouts, made.conditions, static_cast<std::uint64_t>(i));
    const auto result = fit_model(model, study_times(study), {400, 1});
    const auto* fit = std::get_if<ModelFit>(&result);
    if (fit == nullptr) continue;
    const auto& largest = made.layouts.back();
    const Layout next{2 * largest.ranks, largest.threads, 1};
#pragma omp critical
    {
      ++fitted;
      misfits += fit->misfit > 0 ? 1 : 0;
      for (std::size_t k = 0; k < model.size(); ++k) counts[k].look(fit->parameters[k], made.values[k]);
      counts.back().look(fit->predict(next), model.predict(made.values, next));
    }
  }
  EXPECT_EQ(fitted, studies);
  fmt::print("{:<10} {} studies, misfit found in {}\n", model.name, fitted, misfits);
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto name = k < model.size() ? model.parameters[k].name : "prediction at twice the ranks";
    const double share = 100.0 * counts[k].covered / fitted;
    fmt::print("  {:<30} {:5.1f} %   truth above {:2}, below {:2}\n", name, share, counts[k].above, counts[k].below);
    EXPECT_GE(share, lowest) << model.name << " " << name;
    EXPECT_LE(share, highest) << model.name << " " << name;
  }
}

TEST(CoverageTest, Amdahl) { expect_covered("amdahl"); }
TEST(CoverageTest, Gustafson) { expect_covered("gustafson"); }
TEST(CoverageTest, Usl) { expect_covered("usl"); }
TEST(CoverageTest, TwoLevel) { expect_covered("two-level"); }
TEST(CoverageTest, NoLawIsForgotten) { EXPECT_EQ(models().size(), 4U); }

}  // namespace
}  // namespace paceline
