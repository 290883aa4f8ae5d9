// Question: how long does `paceline fit` think about a large study, 30 layouts x 10 repeats?
// Limit: none of the machine's; people wait for it, so it should be below a second. All laws, 1,000 bootstrap
// replicates each.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "run_benchmarks.hpp"
#include "study/advise/analysis.hpp"
#include "study/fit/bootstrap_generator.hpp"

namespace paceline {
namespace {

/// Up to 1,024 cores, noise of 2 %, made by `law`.
Study large_study(const Model& law, const Values& values) {
  BootstrapGenerator generator(1);
  Study study;
  study.info.mode = law.mode;
  std::vector<Layout> layouts;
  for (int ranks = 1; ranks <= 1024; ranks *= 2) {
    for (int threads = 1; threads <= 16 && layouts.size() < 30; threads *= 2) {
      if (ranks * threads <= 1024) layouts.push_back({ranks, threads, 1});
    }
  }
  for (int repeat = 0; repeat < 10; ++repeat) {
    for (const auto& layout : layouts) {
      Sample sample;
      sample.layout = layout;
      sample.repeat = repeat;
      sample.order = static_cast<int>(study.samples.size());
      sample.status = SampleStatus::ok;
      sample.wall_s = law.predict(values, layout) * (1 + 0.02 * generator.normal());
      study.samples.push_back(sample);
    }
  }
  return study;
}

void fit(benchmark::State& state, const char* law, const Values& values) {
  const auto study = large_study(*find_model(law), values);
  for (auto _ : state) {
    const auto analysis = analyse(study, "auto", Layout{2048, 16, 1});
    if (analysis.chosen() == nullptr || analysis.chosen()->model->name != law)
      state.SkipWithError("another law was chosen");
    if (analysis.times.used().size() != 30) state.SkipWithError("not 30 layouts");
  }
}

BENCHMARK_CAPTURE(fit, two_level, "two-level", Values{0.99, 0.9, 100})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(fit, usl, "usl", Values{0.01, 1e-4, 100})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(fit, gustafson, "gustafson", Values{0.1, 100})->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace paceline

int main(int argc, char** argv) { return paceline::run_benchmarks(argc, argv); }
