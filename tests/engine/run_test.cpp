#include "engine/run.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>

#include "engine/example_workload.hpp"
#include "host/clock.hpp"
#include "support.hpp"

namespace {

using namespace paceline;

std::vector<double> numbers_in(const std::filesystem::path& path, const char* dataset) {
  const auto file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const auto data = H5Dopen2(file, dataset, H5P_DEFAULT);
  const auto space = H5Dget_space(data);
  std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(data);
  H5Fclose(file);
  return values;
}

/// Runs the example to its end on all ranks, and returns its file.
std::filesystem::path run_example(const Comm& world, Schedule schedule, int threads, const char* name) {
  RunOptions options;
  options.name = "collatz";
  options.workload = std::make_unique<test::Collatz>();
  options.workload->prepare();
  options.command = "paceline collatz";
  options.output =
      world.gather_all_text(std::filesystem::temp_directory_path() / fmt::format("paceline_{}_{}.h5", name, getpid()))
          .front();
  options.force = true;
  options.schedule = schedule;
  options.threads = threads;
  options.chunk = 7;
  options.memory_limit = 64 << 10;
  options.verify = true;
  options.progress = ProgressMode::never;
  const Stopwatch watch;
  testing::internal::CaptureStdout();
  const auto code = run(world, options, watch);
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, ExitCode::done);
  return options.output;
}

TEST(Run, ComputesAWorkloadAndWhatFollowsFromIt) {
  const auto world = Comm::world();
  for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic, Schedule::weighted}) {
    const auto path = run_example(world, schedule, 2, "run");
    if (world.rank() == 0) {
      const auto lengths = numbers_in(path, "/collatz/length");
      const auto histogram = numbers_in(path, "/collatz/histogram");
      ASSERT_EQ(lengths.size(), 1000u);
      EXPECT_EQ(lengths[0], 0);
      EXPECT_EQ(lengths[26], 111);  // the chain of 27
      ASSERT_EQ(histogram.size(), static_cast<std::size_t>(test::Collatz::bins));
      EXPECT_EQ(std::accumulate(histogram.begin(), histogram.end(), 0.0), 1000);
      EXPECT_EQ(histogram[11],
                std::count_if(lengths.begin(), lengths.end(), [](double n) { return n >= 110 && n < 120; }));
      std::filesystem::remove(path);
    }
    world.barrier();
  }
}

}  // namespace
