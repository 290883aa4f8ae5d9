// Every instruction set of this machine against the scalar reference, bit for bit.
#include "workloads/fractal/kernel.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/highway.h>

namespace paceline::fractal {
namespace {

constexpr Formula formulas[] = {Formula::mandelbrot, Formula::julia, Formula::burning_ship, Formula::tricorn};
constexpr Interior interiors[] = {Interior::skip, Interior::plain};
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> axis(double from, double to, std::size_t n) {
  std::vector<double> samples(n, from);
  for (std::size_t j = 1; j < n; ++j) {
    samples[j] = static_cast<double>(j) * ((to - from) / static_cast<double>(n - 1)) + from;
  }
  return samples;
}

std::string name(const KernelParams& p) {
  return "formula " + std::to_string(static_cast<int>(p.formula)) + " max_iter " + std::to_string(p.max_iter) +
         " julia " + std::to_string(p.julia_re) + "," + std::to_string(p.julia_im);
}

// All targets, both interiors.
template <class Count>
void expect_same(KernelParams params, const std::vector<double>& re, const std::vector<double>& im) {
  std::vector<Count> expected(re.size() * im.size());
  const KernelWork work = count_block_reference<Count>(params, re, im, expected);
  for (const std::int64_t target : simd_targets()) {
    for (const Interior interior : interiors) {
      params.interior = interior;
      // A guard behind the block: nothing may be written there.
      std::vector<Count> counts(expected.size() + 64, Count{99});
      const KernelWork got = count_block_on<Count>(target, params, re, im, std::span(counts).first(expected.size()));
      ASSERT_EQ(got.counted, work.counted) << hwy::TargetName(target) << ' ' << name(params);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(counts[i], expected[i])
            << hwy::TargetName(target) << ' ' << name(params) << " interior " << static_cast<int>(interior) << " pixel "
            << re[i % re.size()] << ',' << im[i / re.size()];
      }
      for (std::size_t i = expected.size(); i < counts.size(); ++i) ASSERT_EQ(counts[i], Count{99});
    }
  }
}

TEST(FractalKernel, sizes_that_divide_nothing) {
  const std::size_t sizes[][2] = {{1, 1},   {1, 101}, {101, 1}, {2, 3},  {7, 13},
                                  {23, 29}, {3, 97},  {53, 5},  {1, 24}, {2, 48}};
  for (const Formula formula : formulas) {
    for (const auto& [rows, cols] : sizes) {
      for (const std::uint64_t max_iter : {1u, 2u, 20u, 64u, 65u, 255u}) {
        const KernelParams params{formula, Interior::skip, max_iter, -0.8, 0.156};
        expect_same<std::uint8_t>(params, axis(-2.1, 1.3, cols), axis(-1.6, 1.2, rows));
      }
    }
  }
  expect_same<std::uint8_t>({}, {}, axis(0, 1, 3));
  expect_same<std::uint8_t>({}, axis(0, 1, 3), {});
}

TEST(FractalKernel, every_limit_and_width) {
  for (const Formula formula : formulas) {
    for (std::uint64_t max_iter = 0; max_iter <= 120; ++max_iter) {
      const KernelParams params{formula, Interior::skip, max_iter, -0.8, 0.156};
      expect_same<std::uint8_t>(params, axis(-2, 2, 37), axis(-1.5, 1.5, 5));
    }
    for (const std::uint64_t max_iter : {255u, 256u, 1000u}) {
      const KernelParams params{formula, Interior::skip, max_iter, -0.74, 0.11};
      if (max_iter < 256) expect_same<std::uint8_t>(params, axis(-2, 2, 61), axis(-1.5, 1.5, 31));
      expect_same<std::uint16_t>(params, axis(-2, 2, 61), axis(-1.5, 1.5, 31));
      expect_same<std::uint32_t>(params, axis(-2, 2, 61), axis(-1.5, 1.5, 31));
      expect_same<std::uint64_t>(params, axis(-2, 2, 61), axis(-1.5, 1.5, 31));
    }
  }
}

TEST(FractalKernel, seahorse_zoom) {
  for (const Formula formula : formulas) {
    const KernelParams params{formula, Interior::skip, 2000, -0.7463, 0.1102};
    expect_same<std::uint16_t>(params, axis(-0.7513, -0.7413, 167), axis(0.1062, 0.1142, 103));
  }
}

TEST(FractalKernel, outside_the_circle_of_two) {
  for (const Formula formula : formulas) {
    const KernelParams params{formula, Interior::skip, 150, -2.5, 0.3};
    expect_same<std::uint8_t>(params, axis(-5, 5, 83), axis(-4, 4, 41));
    // Around -2, where the set touches the circle, and in steps of the last bits there.
    expect_same<std::uint16_t>({formula, Interior::skip, 999, -2, 0}, axis(-2.001, -1.99, 61),
                               {0.0, -0.0, 1e-300, 1e-9});
    expect_same<std::uint16_t>({formula, Interior::skip, 999, 0, 0}, axis(-2 - 1e-6, -2 + 1e-6, 61), {0.0, 1e-9, 1e-3});
  }
}

TEST(FractalKernel, huge_and_not_numbers) {
  const std::vector<double> odd{nan,  infinity, -infinity, 1e308, -1e308, 1e200,  1e154, -1e155, 1e100,
                                1e50, 1e-320,   -0.0,      0.0,   5e-324, 1e-160, -2,    2,      -0.5,
                                0.25, -1,       1.5,       -1.75, 0.3,    1,      -1e5,  1e20,   0.1};
  for (const Formula formula : formulas) {
    for (const std::uint64_t max_iter : {1u, 20u, 200u}) {
      for (const double jr : {nan, infinity, 1e308, 3.0, -0.75, 0.0}) {
        for (const double ji : {nan, -infinity, 0.1, 1e-310}) {
          expect_same<std::uint16_t>({formula, Interior::skip, max_iter, jr, ji}, odd, odd);
          if (formula != Formula::julia) break;
        }
        if (formula != Formula::julia) break;
      }
    }
  }
}

TEST(FractalKernel, random_julia_constants) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(-1.5, 1.5);
  for (int i = 0; i < 200; ++i) {
    const KernelParams params{Formula::julia, Interior::skip, 500, uniform(random), uniform(random)};
    expect_same<std::uint16_t>(params, axis(-1.9, 1.9, 41), axis(-1.9, 1.9, 11));
  }
}

TEST(FractalKernel, random_points) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(-2, 2);
  for (const Formula formula : formulas) {
    std::vector<double> re(4999);
    std::vector<double> im(5);
    for (double& v : re) v = uniform(random);
    for (double& v : im) v = uniform(random) / 2;
    expect_same<std::uint32_t>({formula, Interior::skip, 777, -0.12, 0.74}, re, im);
  }
}

TEST(FractalKernel, large_interiors) {
  for (const Formula formula : formulas) {
    const KernelParams params{formula, Interior::skip, 10'007, -0.12, 0.74};
    expect_same<std::uint16_t>(params, axis(-1.5, 0.5, 61), axis(-1, 0, 17));
  }
}

// Points along the borders of the cardioid and the disc, from well inside to just outside.
TEST(FractalKernel, borders_of_cardioid_and_disc) {
  for (int a = 0; a < 120; ++a) {
    const double angle = 2 * std::numbers::pi * a / 120;
    std::vector<double> re;
    std::vector<double> im;
    for (const double inside : {1e-1, 1e-2, 1.3e-3, 1e-3, 5e-4, 2.5e-4, 1e-4, 1e-6, 0.0, -1e-4, -1e-2}) {
      const double m = 1 - inside;
      re.assign({m / 2 * std::cos(angle) - m * m / 4 * std::cos(2 * angle), -1 + m / 4 * std::cos(angle)});
      im.assign({m / 2 * std::sin(angle) - m * m / 4 * std::sin(2 * angle), m / 4 * std::sin(angle)});
      expect_same<std::uint16_t>({Formula::mandelbrot, Interior::skip, 3000, 0, 0}, re, im);
    }
  }
}

TEST(FractalKernel, skip_skips) {
  const auto re = axis(-1.5, 0, 200);
  const auto im = axis(-1, 0, 100);
  std::vector<std::uint16_t> counts(re.size() * im.size());
  for (const std::int64_t target : simd_targets()) {
    const KernelWork work =
        count_block_on<std::uint16_t>(target, {Formula::mandelbrot, Interior::skip, 10'000, 0, 0}, re, im, counts);
    EXPECT_LT(work.executed * 20, work.counted) << hwy::TargetName(target);
  }
}

TEST(FractalKernel, lessons_image) {
  std::vector<std::uint8_t> counts(4000 * 3000);
  const auto re = axis(-1.5, 0, 3000);
  const auto im = axis(-1, 0, 4000);
  KernelParams params;
  for (const Interior interior : interiors) {
    params.interior = interior;
    const KernelWork work = count_block<std::uint8_t>(params, re, im, counts);
    EXPECT_EQ(work.counted, 128'933'124u);
    if (interior == Interior::plain) {
      EXPECT_GE(work.executed, work.counted);
    }
  }
}

TEST(FractalKernel, refuses_what_does_not_fit) {
  const std::vector<double> two{0, 1};
  std::vector<std::uint8_t> counts(4);
  EXPECT_THROW(count_block<std::uint8_t>({}, two, two, std::span(counts).first(3)), std::invalid_argument);
  KernelParams params;
  params.max_iter = 256;
  EXPECT_THROW(count_block<std::uint8_t>(params, two, two, counts), std::invalid_argument);
  EXPECT_THROW(count_block_on<std::uint8_t>(0, {}, two, two, counts), std::invalid_argument);
}

TEST(FractalKernel, names_its_target) {
  ASSERT_FALSE(simd_targets().empty());
  EXPECT_EQ(simd_target_name(), hwy::TargetName(simd_targets().front()));
}

}  // namespace
}  // namespace paceline::fractal
