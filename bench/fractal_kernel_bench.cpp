// How close is the fractal kernel to what this core can do, on each of its instruction sets?
// Roof: the textbook iteration's mix (5 adds, 3 multiplies, a compare, a count) on independent chains, measured right
// before each run of the kernel, so that noise of the machine meets both. On a shared host the neighbours of a
// hyper-thread take much from a kernel with branches and little from the roof, so the best run against the best roof is
// told, too, as STREAM does; the medians are what a user gets there. The kernel may beat it where it steps without
// tests; hence a second, higher roof of 2 adds, 3 multiplies and a multiply-add. Every answer is checked.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)  // as in workloads/fractal/kernel.cpp
#define HWY_TARGET_INCLUDE "../bench/fractal_kernel_bench.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace paceline::fractal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Both return iterations x lanes done.
std::uint64_t roof_tested(std::uint64_t rounds, double& sink) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto c = hn::Set(d, 1.0 + 1e-12);
  auto a0 = c, a1 = c, a2 = c, a3 = c, a4 = c, m0 = c, m1 = c, m2 = c;
  auto n = hn::Zero(du);
  for (std::uint64_t k = 0; k < rounds; ++k) {
    a0 = hn::Add(a0, c);
    m0 = hn::Mul(m0, c);
    a1 = hn::Add(a1, c);
    m1 = hn::Mul(m1, c);
    a2 = hn::Add(a2, c);
    n = hn::Sub(n, hn::VecFromMask(du, hn::RebindMask(du, hn::Le(m0, c))));
    a3 = hn::Add(a3, c);
    m2 = hn::Mul(m2, c);
    a4 = hn::Add(a4, c);
  }
  const auto all = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(hn::Add(a4, m0), hn::Add(m1, m2)));
  sink = hn::GetLane(all) + static_cast<double>(hn::GetLane(n));
  return rounds * hn::Lanes(d);
}

std::uint64_t roof_untested(std::uint64_t rounds, double& sink) {
  const hn::ScalableTag<double> d;
  const auto c = hn::Set(d, 1.0 - 1e-12);
  auto a0 = c, a1 = c, a2 = c, a3 = c, f0 = c, f1 = c, m0 = c, m1 = c, m2 = c, m3 = c, m4 = c, m5 = c;
  for (std::uint64_t k = 0; k < rounds; k += 2) {
    a0 = hn::Add(a0, c);
    m0 = hn::Mul(m0, c);
    a1 = hn::Add(a1, c);
    m1 = hn::Mul(m1, c);
    f0 = hn::MulAdd(f0, c, c);
    m2 = hn::Mul(m2, c);
    a2 = hn::Add(a2, c);
    m3 = hn::Mul(m3, c);
    a3 = hn::Add(a3, c);
    m4 = hn::Mul(m4, c);
    f1 = hn::MulAdd(f1, c, c);
    m5 = hn::Mul(m5, c);
  }
  const auto adds = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(f0, f1));
  const auto muls = hn::Add(hn::Add(hn::Add(m0, m1), hn::Add(m2, m3)), hn::Add(m4, m5));
  sink = hn::GetLane(hn::Add(adds, muls));
  return (rounds + 1) / 2 * 2 * hn::Lanes(d);
}

}  // namespace HWY_NAMESPACE
}  // namespace paceline::fractal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "workloads/fractal/kernel.hpp"

namespace paceline::fractal {
namespace {

HWY_EXPORT(roof_tested);
HWY_EXPORT(roof_untested);

struct Picture {
  std::size_t rows;
  std::size_t cols;
  std::uint64_t max_iter;
  std::uint64_t counted;  // known sum of counts
};

// re -1.5:0, im -1:0. The lessons' image; the same, fewer rows, at 1,000 iterations; the interior picture.
constexpr Picture lessons{4000, 3000, 20, 128'933'124};
constexpr Picture deep{400, 3000, 1000, 449'000'437};
constexpr Picture interior{1500, 1000, 10'000, 5'513'392'332};

std::vector<double> axis(double from, double to, std::size_t n) {
  std::vector<double> samples(n);
  for (std::size_t j = 0; j < n; ++j) {
    samples[j] = static_cast<double>(j) * ((to - from) / static_cast<double>(n - 1)) + from;
  }
  return samples;
}

template <class Run>
double seconds(Run run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

enum class Roof { tested, untested };

// Giga-iterations/s.
double roof_rate(std::int64_t target, Roof roof) {
  hwy::ChosenTarget chosen;
  chosen.Update(target);
  const auto run = roof == Roof::tested ? HWY_DISPATCH_TABLE(roof_tested)[chosen.GetIndex()]
                                        : HWY_DISPATCH_TABLE(roof_untested)[chosen.GetIndex()];
  double sink = 0;
  std::uint64_t done = 0;
  const double s = seconds([&] { done = run(2'000'000, sink); });
  benchmark::DoNotOptimize(sink);
  return static_cast<double>(done) / s / 1e9;
}

// What `count` returns and its seconds; ends the benchmark on a wrong answer.
template <class Count>
double timed(benchmark::State& state, const Picture& picture, Count count) {
  std::uint64_t counted = 0;
  const double s = seconds([&] { counted = count(); });
  if (counted != picture.counted) state.SkipWithError("wrong counts");
  return s;
}

template <class Count>
void plain(benchmark::State& state, std::int64_t target, const Picture& picture) {
  const auto re = axis(-1.5, 0, picture.cols);
  const auto im = axis(-1, 0, picture.rows);
  std::vector<Count> counts(re.size() * im.size());
  const KernelParams params{Formula::mandelbrot, Interior::plain, picture.max_iter, 0, 0};
  std::vector<double> rates, roofs, of_tested, of_untested;
  for (auto _ : state) {
    const double tested = roof_rate(target, Roof::tested);
    const double untested = roof_rate(target, Roof::untested);
    const double s =
        timed(state, picture, [&] { return count_block_on<Count>(target, params, re, im, counts).counted; });
    state.SetIterationTime(s);
    rates.push_back(static_cast<double>(picture.counted) / s / 1e9);
    roofs.push_back(tested);
    of_tested.push_back(rates.back() / tested);
    of_untested.push_back(rates.back() / untested);
  }
  state.counters["Giga_iter_per_s"] = median(rates);
  state.counters["fraction_of_roof"] = median(of_tested);
  state.counters["best_fraction_of_roof"] =
      *std::max_element(rates.begin(), rates.end()) / *std::max_element(roofs.begin(), roofs.end());
  state.counters["fraction_of_untested_roof"] = median(of_untested);
}

void roof(benchmark::State& state, std::int64_t target) {
  std::vector<double> tested, untested;
  for (auto _ : state) {
    state.SetIterationTime(seconds([&] {
      tested.push_back(roof_rate(target, Roof::tested));
      untested.push_back(roof_rate(target, Roof::untested));
    }));
  }
  state.counters["Giga_iter_per_s"] = median(tested);
  state.counters["untested_Giga_iter_per_s"] = median(untested);
}

void skip(benchmark::State& state, std::int64_t target) {
  const auto re = axis(-1.5, 0, interior.cols);
  const auto im = axis(-1, 0, interior.rows);
  std::vector<std::uint16_t> counts(re.size() * im.size());
  KernelParams params{Formula::mandelbrot, Interior::skip, interior.max_iter, 0, 0};
  std::vector<double> ratios, skip_s;
  for (auto _ : state) {
    const auto run = [&] { return count_block_on<std::uint16_t>(target, params, re, im, counts).counted; };
    params.interior = Interior::plain;
    const double plain_s = timed(state, interior, run);
    params.interior = Interior::skip;
    std::vector<double> several;
    for (int i = 0; i < 5; ++i) several.push_back(timed(state, interior, run));
    skip_s.push_back(median(several));
    ratios.push_back(plain_s / skip_s.back());
    state.SetIterationTime(skip_s.back());
  }
  state.counters["skip_s"] = median(skip_s);
  state.counters["times_faster_than_plain"] = median(ratios);
}

void reference(benchmark::State& state) {
  const auto re = axis(-1.5, 0, lessons.cols);
  const auto im = axis(-1, 0, lessons.rows);
  std::vector<std::uint8_t> counts(re.size() * im.size());
  std::vector<double> rates;
  for (auto _ : state) {
    const double s = timed(state, lessons,
                           [&] { return count_block_reference<std::uint8_t>(KernelParams{}, re, im, counts).counted; });
    state.SetIterationTime(s);
    rates.push_back(static_cast<double>(lessons.counted) / s / 1e9);
  }
  state.counters["Giga_iter_per_s"] = median(rates);
}

void register_all() {
  const auto add = [](const std::string& name, auto run, int iterations) {
    benchmark::RegisterBenchmark(name.c_str(), run)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(iterations);
  };
  for (const std::int64_t target : simd_targets()) {
    const std::string name = hwy::TargetName(target);
    add(
        "roof/" + name, [target](benchmark::State& s) { roof(s, target); }, 20);
    add(
        "plain_lessons/" + name, [target](benchmark::State& s) { plain<std::uint8_t>(s, target, lessons); }, 25);
    add(
        "plain_1000/" + name, [target](benchmark::State& s) { plain<std::uint16_t>(s, target, deep); }, 5);
    add(
        "skip_10000/" + name, [target](benchmark::State& s) { skip(s, target); }, 1);
  }
  add("reference_lessons", reference, 1);
}

}  // namespace
}  // namespace paceline::fractal

int main(int argc, char** argv) {
  // Repetitions of all benchmarks in turn, unless the command line says otherwise.
  std::vector<std::string> arguments{argv[0], "--benchmark_enable_random_interleaving=true",
                                     "--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true"};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 1;
  paceline::fractal::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

#endif  // HWY_ONCE
