// The calibration workload: the dialled share of a fixed amount is serial, the rest is in items, and all is done.
#include "workloads/calibrate/calibrate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include <parsed.hpp>
#include <support.hpp>

namespace paceline::calibrate {
namespace {

std::unique_ptr<Calibrate> calibrate_of(const std::string& options) {
  return test::workload_of<Calibrate>("calibrate", options);
}

std::int64_t in_items(const Calibrate& workload) {
  std::int64_t sum = 0;
  for (std::int64_t item = 0; item < Calibrate::items; ++item) sum += workload.iterations_of(item);
  return sum;
}

TEST(Calibrate, CutsAllOfTheWork) {
  for (const char* serial : {"0", "0.05", "0.1", "0.333", "1"}) {
    for (const char* seconds : {"0.00001", "0.3", "7"}) {
      SCOPED_TRACE(fmt::format("{} of {} s", serial, seconds));
      const auto workload = calibrate_of(fmt::format("--serial {} --seconds {}", serial, seconds));
      const auto all = std::llround(std::stod(seconds) * Calibrate::iterations_per_second);
      EXPECT_EQ(workload->serial_iterations() + in_items(*workload), all);
      EXPECT_NEAR(static_cast<double>(workload->serial_iterations()), std::stod(serial) * static_cast<double>(all), 1);
      const auto last = workload->iterations_of(Calibrate::items - 1);
      EXPECT_LE(workload->iterations_of(0) - last, 1) << "items are alike";
    }
  }
}

TEST(Calibrate, ComputesTheSameForEveryCut) {
  const auto workload = calibrate_of("--seconds 0.001");
  std::vector<std::byte> whole(static_cast<std::size_t>(Calibrate::items) * 8);
  const auto work = workload->compute({0, Calibrate::items}, {}, {whole});
  EXPECT_EQ(work.useful, static_cast<std::uint64_t>(in_items(*workload)));
  EXPECT_EQ(work.executed, work.useful);
  std::vector<std::byte> part(5 * 8);
  workload->compute_reference({1003, 1008}, {}, {part});
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 1003 * 8));
  std::vector<double> values(static_cast<std::size_t>(Calibrate::items));
  std::memcpy(values.data(), whole.data(), whole.size());
  // By hand: the first item's chain.
  double x = 1.0 / (Calibrate::items + 2);
  for (std::int64_t i = 0; i < workload->iterations_of(0); ++i) x = 3.9 * x * (1 - x);
  EXPECT_EQ(values[0], x);
  for (const double value : values) EXPECT_TRUE(value > 0 && value < 1) << value;
}

TEST(Calibrate, StopsItsSerialPartWhenAsked) {
  const auto workload = calibrate_of("--serial 1 --seconds 1000000");
  int looks = 0;
  ASSERT_NE(workload->parts().serial, nullptr);
  workload->parts().serial->run_serial_part([&] { return ++looks > 3; });
  EXPECT_EQ(looks, 4);
}

TEST(Calibrate, RefusesWhatMakesNoSense) {
  for (const char* options : {"--seconds 0", "--seconds nan", "--serial nan"}) {
    const auto error = test::error_of([&] { calibrate_of(options); });
    ASSERT_TRUE(error) << options;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
  }
  for (const char* options : {"--seconds -1", "--serial 1.1", "--serial -0.1", "--serial some"}) {
    const auto error = test::error_of([&] { calibrate_of(options); });
    ASSERT_TRUE(error) << options;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::says(*error, std::string(options).substr(0, 8))) << error->what();
  }
}

}  // namespace
}  // namespace paceline::calibrate
