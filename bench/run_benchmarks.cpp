#include "run_benchmarks.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace paceline {
namespace {

/// The value in the middle, the smallest and the largest, each of its own column: a line of one name may take its
/// columns from several repetitions.
class Ranges : public benchmark::ConsoleReporter {
 public:
  Ranges() : ConsoleReporter(OO_None) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    if (runs.front().run_type == Run::RT_Aggregate) return;  // Google's own
    std::vector<Run> good;
    std::copy_if(runs.begin(), runs.end(), std::back_inserter(good),
                 [](const Run& run) { return !run.error_occurred; });
    if (good.size() < runs.size() || runs.size() == 1) return ConsoleReporter::ReportRuns(runs);
    ConsoleReporter::ReportRuns(
        {at(good, "median", good.size() / 2), at(good, "min", 0), at(good, "max", good.size() - 1)});
  }

 private:
  static Run at(std::vector<Run> runs, const char* name, std::size_t place) {
    const auto placed = [&](const auto& value_of) {
      std::vector<double> values;
      for (const auto& run : runs) values.push_back(value_of(run));
      std::sort(values.begin(), values.end());
      return values[place];
    };
    Run all = runs.front();
    all.run_type = Run::RT_Aggregate;
    all.aggregate_name = name;
    // All repetitions have as many iterations.
    all.real_accumulated_time = placed([](const Run& run) { return run.real_accumulated_time; });
    all.cpu_accumulated_time = placed([](const Run& run) { return run.cpu_accumulated_time; });
    for (auto& [counter, value] : all.counters) {
      value.value = placed([&](const Run& run) { return run.counters.at(counter).value; });
    }
    return all;
  }
};

class Silent : public benchmark::BenchmarkReporter {
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& /*runs*/) override {}
};

int run(int argc, char** argv, bool in_random_turns, bool prints) {
  std::vector<std::string> arguments{argv[0], "--benchmark_repetitions=5"};
  if (in_random_turns) arguments.emplace_back("--benchmark_enable_random_interleaving=true");
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  const bool has_format = std::any_of(arguments.begin(), arguments.end(), [](std::string_view argument) {
    return argument.starts_with("--benchmark_format");
  });
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
  Ranges ranges;
  Silent silent;
  if (!prints) {
    benchmark::RunSpecifiedBenchmarks(&silent);
  } else if (has_format) {
    benchmark::RunSpecifiedBenchmarks();
  } else {
    benchmark::RunSpecifiedBenchmarks(&ranges);
  }
  benchmark::Shutdown();
  return 0;
}

}  // namespace

int run_benchmarks(int argc, char** argv) { return run(argc, argv, true, true); }

int run_benchmarks_together(int argc, char** argv, int rank) { return run(argc, argv, false, rank == 0); }

}  // namespace paceline
