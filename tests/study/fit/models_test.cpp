// What must hold of every law of the table, and the laws as the promises to users write them.
#include "study/fit/models.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

TEST(ModelsTest, TermsAndFormulaAreTheSameLaw) {
  for (const auto& model : models()) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const auto made = test::random_case(model, seed);
      const auto coefficients = model.coefficients(made.values);
      for (const double c : coefficients) EXPECT_GE(c, 0) << model.name;
      const auto back = model.values(coefficients);
      for (std::size_t k = 0; k < model.size(); ++k) {
        // A fraction of nothing is nothing: without parallel work there is no share of threads in it.
        EXPECT_NEAR(back[k], made.values[k], 1e-12 * std::max(1.0, made.values[k])) << model.name << " " << k;
      }
      for (const auto& layout : made.layouts) {
        double sum = 0;
        for (std::size_t k = 0; k < model.size(); ++k) sum += coefficients[k] * model.terms(layout)[k];
        const double seconds = model.mode == ScalingMode::strong ? sum : layout.cores() / sum;
        EXPECT_NEAR(model.predict(made.values, layout) / seconds, 1, 1e-12) << model.name;
      }
    }
  }
}

double at(const char* name, const Values& values, int ranks, int threads) {
  return find_model(name)->predict(values, {ranks, threads, 1});
}

TEST(ModelsTest, AreAsPromised) {
  EXPECT_DOUBLE_EQ(at("amdahl", {0.1, 10, 0}, 2, 4), 10 * (0.1 + 0.9 / 8));
  EXPECT_DOUBLE_EQ(at("usl", {0.1, 0.01, 10}, 2, 4), 10 * (1 + 0.1 * 7 + 0.01 * 8 * 7) / 8);
  EXPECT_DOUBLE_EQ(at("two-level", {0.9, 0.8, 10}, 2, 4), 10 * (1 - 0.9 + 0.9 / 2 * (1 - 0.8 + 0.8 / 4)));
  // The scaled speed-up of 64 cores is 64 - 63 s.
  EXPECT_DOUBLE_EQ(64 * at("gustafson", {0.1, 10, 0}, 1, 1) / at("gustafson", {0.1, 10, 0}, 16, 4), 64 - 63 * 0.1);
  EXPECT_EQ(find_model("other"), nullptr);
}

TEST(ModelsTest, OneCoreTakesT1) {
  for (const auto& model : models()) {
    const auto made = test::random_case(model, 3);
    EXPECT_EQ(model.parameters.back().name, "t1_s");
    EXPECT_NEAR(model.predict(made.values, {1, 1, 1}), made.values[model.size() - 1],
                1e-9 * made.values[model.size() - 1]);
  }
}

TEST(ModelsTest, CoresBeyondAnInteger) { EXPECT_GT(at("amdahl", {0, 1, 0}, 1 << 24, 1 << 24), 0); }

}  // namespace
}  // namespace paceline
