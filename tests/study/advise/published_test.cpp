// Fits held against published answers. Ours weigh relative errors; R's package usl and the book minimise squared errors
// of throughputs, which the objective `throughput` does, too.
#include <cmath>

#include <gtest/gtest.h>

#include "study/advise/analysis.hpp"

namespace paceline {
namespace {

Study study_of_times(const std::vector<int>& cores, const std::vector<double>& seconds,
                     ScalingMode mode = ScalingMode::strong) {
  Study study;
  study.info.mode = mode;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    Sample sample;
    sample.layout = {cores[i], 1, 1};
    sample.wall_s = seconds[i];
    sample.status = SampleStatus::ok;
    study.samples.push_back(sample);
  }
  return study;
}

Study study_of_rates(const std::vector<int>& cores, std::vector<double> rates) {
  for (double& rate : rates) rate = 1 / rate;
  return study_of_times(cores, rates);
}

const ModelFit& law(const Analysis& analysis, std::string_view name) {
  for (const auto& fit : analysis.fits) {
    if (fit.model->name == name) return fit;
  }
  throw std::runtime_error("no such law");
}

const std::vector<int> specsdm91_load = {1, 18, 36, 72, 108, 144, 216};
const std::vector<double> specsdm91_rate = {64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2};

TEST(PublishedTest, Specsdm91AsRsUsl) {
  const auto analysis = analyse(study_of_rates(specsdm91_load, specsdm91_rate), "auto", std::nullopt,
                                {.objective = Objective::throughput});
  const auto& usl = law(analysis, "usl");
  EXPECT_NEAR(usl.values[0], 0.0277285, 1e-6);
  EXPECT_NEAR(usl.values[1], 0.0001044, 1e-7);
  EXPECT_NEAR(1 / usl.values[2], 89.9952330, 1e-3);
  EXPECT_NEAR(analysis.consequences.usl_peak_cores->value, 96.51956, 1e-3);
  EXPECT_NEAR(analysis.consequences.usl_peak_speedup->value / usl.values[2], 1884, 1);
  // Its standard error with the t of 4 degrees of freedom, 2.776, is about half of our interval.
  const auto& contention = usl.parameters[0];
  EXPECT_NEAR((contention.high - contention.low) / 2, 2.776 * 0.0091217, 0.4 * 2.776 * 0.0091217);
}

TEST(PublishedTest, Specsdm91ByLogarithms) {
  const auto analysis = analyse(study_of_rates(specsdm91_load, specsdm91_rate));
  const auto& usl = law(analysis, "usl");
  EXPECT_NEAR(usl.values[0], 0.0134525, 1e-6);
  EXPECT_NEAR(usl.values[1], 0.00011511, 1e-8);
  EXPECT_NEAR(1 / usl.values[2], 67.9423, 1e-3);
  EXPECT_NEAR(analysis.consequences.usl_peak_cores->value, 92.58, 0.01);
}

TEST(PublishedTest, CiscoOfThePracticalAnalysis) {
  const std::vector<double> rates = {955.16,   1878.91,  2688.01,  3548.68,  4315.54,  5130.43,  5931.37, 6531.08,
                                     7219.8,   7867.61,  8278.71,  8646.7,   9047.84,  9426.55,  9645.37, 9897.24,
                                     10097.6,  10240.5,  10532.39, 10798.52, 11151.43, 11518.63, 11806,   12089.37,
                                     12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39};
  std::vector<int> cores(32);
  for (int i = 0; i < 32; ++i) cores[static_cast<std::size_t>(i)] = i + 1;
  const auto book = analyse(study_of_rates(cores, rates), "usl", std::nullopt, {.objective = Objective::throughput});
  EXPECT_NEAR(law(book, "usl").values[0], 0.02671591, 1e-6);
  EXPECT_NEAR(law(book, "usl").values[1], 7.690945e-4, 1e-8);
  EXPECT_NEAR(1 / law(book, "usl").values[2], 995.6486, 1e-2);
  EXPECT_EQ(std::floor(book.consequences.usl_peak_cores->value), 35);
  const auto ours = analyse(study_of_rates(cores, rates));
  EXPECT_NEAR(law(ours, "usl").values[0], 0.0204539, 1e-6);
  EXPECT_NEAR(law(ours, "usl").values[1], 0.00089096, 1e-7);
  EXPECT_NEAR(1 / law(ours, "usl").values[2], 960.151, 1e-2);
  ASSERT_NE(ours.chosen(), nullptr);
  EXPECT_EQ(ours.chosen()->model->name, "usl");
}

TEST(PublishedTest, HpcIntroOfHpcCarpentry) {
  const auto analysis = analyse(study_of_times({1, 4, 8}, {30.033, 10.888, 7.697}));
  EXPECT_NEAR(law(analysis, "amdahl").values[0], 0.15004, 1e-5);
  EXPECT_NEAR(law(analysis, "amdahl").values[1], 30.033, 1e-2);
  EXPECT_NEAR(analysis.layouts[1].speedup, 2.758, 1e-3);
  EXPECT_NEAR(analysis.layouts[2].speedup, 3.90, 5e-3);
  EXPECT_NEAR(analysis.consequences.amdahl_limit->value, 1 / 0.15004, 1e-3);
}

TEST(PublishedTest, GustafsonsPaper) {
  // Scaled speed-ups on 1,024 processors: the time of one processor's work there is 1,024/speed-up.
  const double speedups[] = {1021, 1020, 1016};
  const double fractions[] = {0.0029326, 0.0039101, 0.0078201};
  for (int i = 0; i < 3; ++i) {
    const auto analysis = analyse(study_of_times({1, 1024}, {1, 1024 / speedups[i]}, ScalingMode::weak));
    EXPECT_NEAR(law(analysis, "gustafson").values[0], fractions[i], 1e-7);
    EXPECT_NEAR(analysis.layouts[1].speedup, speedups[i], 1e-6);
  }
}

TEST(PublishedTest, KarpAndFlatt) {
  // The serial fraction that each number of processors speaks for by itself.
  const std::vector<double> constant = {1.82, 2.50, 3.08, 3.57, 4.00, 4.38, 4.71};
  const std::vector<double> growing = {1.87, 2.61, 3.23, 3.73, 4.14, 4.46, 4.71};
  for (int p = 2; p <= 8; ++p) {
    const auto place = static_cast<std::size_t>(p - 2);
    const auto fraction = [&](double speedup) {
      return law(analyse(study_of_times({1, p}, {1, 1 / speedup})), "amdahl").values[0];
    };
    // As far as their two decimals tell it.
    EXPECT_NEAR(fraction(constant[place]), 0.10, 0.0015) << p;
    EXPECT_NEAR(fraction(growing[place]), 0.065 + 0.005 * (p - 1), 0.0015) << p;
  }
}

TEST(PublishedTest, FvcomOfSigma2) {
  const auto analysis =
      analyse(study_of_times({128, 256, 512, 1024, 2048}, {4071.89, 2193.52, 1173.19, 659.38, 395.53}));
  EXPECT_NEAR(law(analysis, "amdahl").values[0], 2.864e-4, 1e-7);
  EXPECT_NEAR(law(analysis, "amdahl").values[1], 516541, 1);
  const double speedups[] = {1, 1.86, 3.47, 6.18, 10.29};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(analysis.layouts[i].speedup, speedups[i], 0.005);
  EXPECT_EQ(analysis.consequences.at_threshold->ranks, 1024);
}

TEST(PublishedTest, Cp2kOfCscs) {
  const auto mp2 = analyse(study_of_times({8, 16, 32, 64, 128}, {2037.0, 1096.2, 611.5, 410.5, 290.9}));
  EXPECT_NEAR(law(mp2, "amdahl").values[0], 0.01183, 1e-5);
  const double speedups[] = {1, 1.85, 3.33, 4.96, 7.00}, efficiencies[] = {1, 0.92, 0.83, 0.62, 0.43};
  for (std::size_t i = 0; i < 5; ++i) {
    // Truncated there, and not rounded.
    EXPECT_NEAR(mp2.layouts[i].speedup, speedups[i] + 0.005, 0.006);
    EXPECT_NEAR(mp2.layouts[i].efficiency, efficiencies[i] + 0.005, 0.006);
  }
  const auto rpa = analyse(study_of_times({8, 16, 32, 64, 128}, {575.4, 465.8, 281.1, 205.3, 185.8}));
  const double rpa_speedups[] = {1, 1.23, 2.04, 2.80, 3.09};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(rpa.layouts[i].speedup, rpa_speedups[i], 0.01);
  EXPECT_EQ(rpa.chosen(), nullptr) << rpa.choice.why;
  EXPECT_NE(rpa.choice.why.find("misses layouts by up to 1"), std::string::npos) << rpa.choice.why;
}

TEST(PublishedTest, ExtraPsExampleIsNoneOfOurLaws) {
  const std::vector<std::vector<double>> seconds = {{8.31, 8.02, 8.14},
                                                    {22.74, 22.66, 23.20},
                                                    {65.79, 64.74, 66.62},
                                                    {186.78, 184.68, 181.58},
                                                    {528.86, 522.44, 531.78}};
  Study study;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const auto part = study_of_times(std::vector<int>(3, 4 << i), seconds[i]);
    for (std::size_t r = 0; r < 3; ++r) {
      study.samples.push_back(part.samples[r]);
      study.samples.back().repeat = static_cast<int>(r);
    }
  }
  const auto analysis = analyse(study);
  EXPECT_EQ(analysis.chosen(), nullptr);
  EXPECT_NE(analysis.choice.why.find("the time grows from the first layout on"), std::string::npos)
      << analysis.choice.why;
  EXPECT_TRUE(analysis.suggested.empty()) << "no measurement would change that";
}

}  // namespace
}  // namespace paceline
