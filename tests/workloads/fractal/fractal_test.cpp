// The fractal as a workload: its options, its shape, and that its rows are those of the reference.
#include "workloads/fractal/fractal.hpp"

#include <gtest/gtest.h>

#include <parsed.hpp>
#include <support.hpp>

namespace paceline::fractal {
namespace {

std::unique_ptr<Fractal> fractal_of(const std::string& options) {
  return test::workload_of<Fractal>("fractal", options);
}

const Axis& im(const Fractal& fractal) { return fractal.shape().axes.at(0); }
const Axis& re(const Fractal& fractal) { return fractal.shape().axes.at(1); }

TEST(Fractal, HasTheLessonsImageByDefault) {
  const auto fractal = fractal_of("");
  const auto& shape = fractal->shape();
  EXPECT_EQ(shape.path, "/fractal/counts");
  EXPECT_EQ(shape.dims, (std::vector<std::int64_t>{4000, 3000}));
  EXPECT_EQ(shape.items(), 4000);
  EXPECT_EQ(shape.most_bytes_per_item(), 3000);
  EXPECT_EQ(shape.units, "iterations");
  EXPECT_TRUE(shape.is_image);
  EXPECT_EQ(shape.image.max_value, 20U);
  EXPECT_EQ(im(*fractal).path, "/fractal/im");
  EXPECT_EQ(re(*fractal).path, "/fractal/re");
  EXPECT_EQ(im(*fractal).values.size(), 4000U);
  EXPECT_EQ(re(*fractal).values.size(), 3000U);
}

TEST(Fractal, SamplesAxesAsNumPyDoes) {
  const auto fractal = fractal_of("--rows 7 --cols 11 --re=-1.5:0.1 --im=1:-0.3");
  const double re_step = (0.1 - -1.5) / 10, im_step = (-0.3 - 1) / 6;
  for (std::size_t j = 0; j < 11; ++j) EXPECT_EQ(re(*fractal).values[j], static_cast<double>(j) * re_step + -1.5);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(im(*fractal).values[i], static_cast<double>(i) * im_step + 1);
}

TEST(Fractal, OfOneSampleIsAtTheFirstEnd) {
  const auto fractal = fractal_of("--rows 1 --cols 1 --re=-1.5:3 --im 2:2");
  EXPECT_EQ(re(*fractal).values, std::vector<double>{-1.5});
  EXPECT_EQ(im(*fractal).values, std::vector<double>{2.0});
}

TEST(Fractal, StoresTheNarrowestIntegers) {
  const auto type_of = [](const std::string& max_iter) {
    return fractal_of("--rows 1 --cols 1 --max-iter " + max_iter)->shape().type;
  };
  EXPECT_EQ(type_of("1"), ElementType::uint8);
  EXPECT_EQ(type_of("255"), ElementType::uint8);
  EXPECT_EQ(type_of("256"), ElementType::uint16);
  EXPECT_EQ(type_of("65535"), ElementType::uint16);
  EXPECT_EQ(type_of("65536"), ElementType::uint32);
  EXPECT_EQ(type_of("4294967295"), ElementType::uint32);
  EXPECT_EQ(type_of("4294967296"), ElementType::uint64);
}

TEST(Fractal, HasAPaletteWhoseInteriorIsBlack) {
  const auto palette = fractal_of("--max-iter 20")->shape().image.palette;
  ASSERT_EQ(palette.size(), 768U);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(palette[3 * 20 + c], 0);
    EXPECT_NE(palette[3 * 19 + c], 0);
  }
  EXPECT_TRUE(fractal_of("--max-iter 300")->shape().image.palette.empty());
}

TEST(Fractal, IsAnotherOneWithOtherParameters) {
  const auto same = fractal_of("--rows 5 --cols 5")->shape().attributes;
  EXPECT_EQ(fractal_of("--rows 5 --cols 5 --png f.png --colormap magma --interior plain")->shape().attributes, same)
      << "how it is computed or drawn does not matter";
  for (const char* other : {"--max-iter 21", "--re=-1.5:1", "--im=-0.5:0", "--formula tricorn", "--formula julia"}) {
    EXPECT_NE(fractal_of(std::string("--rows 5 --cols 5 ") + other)->shape().attributes, same) << other;
  }
  EXPECT_NE(fractal_of("--formula julia --julia-c 0,1")->shape().attributes,
            fractal_of("--formula julia --julia-c 0,0.5")->shape().attributes);
}

TEST(Fractal, ComputesTheRowsOfTheReference) {
  for (const char* options : {"", "--max-iter 300", "--max-iter 70000", "--max-iter 5000000000 --re 0.3:2 --im 0.6:1",
                              "--formula julia", "--formula burning-ship --interior plain", "--formula tricorn"}) {
    const auto fractal = fractal_of(std::string("--rows 13 --cols 37 ") + options);
    const auto each = static_cast<std::size_t>(fractal->shape().most_bytes_per_item());
    std::vector<std::byte> expected(13 * each), bytes(13 * each);
    fractal->compute_reference({0, 13}, {}, {expected});
    Work work;
    for (const auto& rows : {Slab{0, 1}, Slab{1, 9}, Slab{9, 13}}) {
      const auto part = std::span(bytes).subspan(static_cast<std::size_t>(rows.begin) * each,
                                                 static_cast<std::size_t>(rows.size()) * each);
      work += fractal->compute(rows, {}, {part});
    }
    EXPECT_EQ(bytes, expected) << options;
    EXPECT_GT(work.executed, 0U);
    if (each == 37) {
      std::uint64_t sum = 0;
      for (const auto count : expected) sum += static_cast<std::uint64_t>(count);
      EXPECT_EQ(work.useful, sum) << "useful work is what a user counts";
    }
  }
}

TEST(Fractal, BoundsAndEstimatesItsRows) {
  const auto fractal = fractal_of("--rows 40 --cols 3000 --max-iter 500 --interior plain");
  std::vector<std::byte> row(static_cast<std::size_t>(fractal->shape().most_bytes_per_item()));
  double outside = 0, inside = 0;
  for (std::int64_t i = 0; i < 40; ++i) {
    const auto work = fractal->compute({i, i + 1}, {}, {row});
    EXPECT_LE(work.useful, 3000U * 500U);
    const auto estimate = fractal->estimate_cost(i);
    const auto cost = static_cast<double>(work.executed) / 3000;
    EXPECT_NEAR(estimate, cost, 0.1 * cost + 2) << "row " << i;
    if (i == 0) outside = estimate;
    if (i == 39) inside = estimate;
  }
  EXPECT_GT(inside, 3 * outside);
  EXPECT_EQ(fractal->traits().items_between_checks, 64) << "all of them take a moment";
  EXPECT_EQ(fractal_of("--cols 3000 --max-iter 100000")->traits().items_between_checks, 3)
      << "no more than a thousand million iterations";
  EXPECT_EQ(fractal_of("--cols 3000 --max-iter 100000000")->traits().items_between_checks, 1);
}

TEST(Fractal, RefusesRangesThatMakeNoSense) {
  for (const char* options : {"--re 1:1", "--re nan:1", "--re 1", "--im 1:2:3", "--re=-1e308:1e308", "--julia-c 1"}) {
    const auto error = test::error_of([&] { fractal_of(options); });
    ASSERT_TRUE(error) << options;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
  }
  EXPECT_NO_THROW(fractal_of("--re 1:1 --cols 1"));
}

}  // namespace
}  // namespace paceline::fractal
