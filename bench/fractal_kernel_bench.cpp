// Question: how much of what this core can do does the fractal kernel do, on each of its instruction sets?
// Limit: iterations/s that no program can pass which rounds as the counts demand. An iteration is three products (x*x,
// y*y, x*y), each rounded; two sums (x*x - y*y, + cx), each rounded; and 2xy + cy, which is two sums or, as doubling is
// exact, one fused operation. Nothing of it can be left out or merged, and a test whether an orbit left only adds to
// it. Streams of such operations on independent chains in registers, without loads, tests or waiting, show how many of
// them the core does a second: products P (fused ones among them, which are multipliers' work), sums S (which a fused
// operation can do as well), both together A. With fused operations, n of 3 + n products and 4 - n sums or fewer:
//   time >= 3/P, 6/A (operations at least), 10/(2P + S) (twice its products and its sums are 10 or more, whatever n is)
// without them >= 3/P, 4/S, 7/A. The best of several short streams counts, right before and after each run of the
// kernel, so that the clock's frequency is the run's and what disturbs the streams does not lower the limit.
// The limit is of iterations that lanes step (`executed`), the kernel's rate of those that are counted too: a lane
// steps on until its whole group is outside, and some iterations are stepped again to see at which one an orbit left.
// fraction_of_limit = executed rate / limit is at most 1. Every answer is checked.
#include "host/simd_targets.hpp"

#define HWY_TARGET_INCLUDE "../bench/fractal_kernel_bench.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <cstdint>
#include <cstring>

#ifndef PACELINE_STREAM_KINDS
#define PACELINE_STREAM_KINDS
namespace paceline::fractal {
// What a stream repeats, on 8 chains of each of two kinds.
enum class Stream { sums, products, fused_and_products, sums_and_products };
inline constexpr std::size_t stream_chains = 16;
inline constexpr std::size_t start_stride = 8 * 4;  // of the chains' first values; 2,048 bits
}  // namespace paceline::fractal
#endif

HWY_BEFORE_NAMESPACE();
namespace paceline::fractal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
// GCC packs one-lane code into the vectors that every machine has, where it can: also in the kernel.
typedef double Vector __attribute__((vector_size(16)));
struct Ops {
  static Vector load(const double* from) {
    Vector v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }
  static Vector sum(Vector v) { return v + v; }
  static Vector product(Vector v) { return v * v; }
  static Vector fused(Vector v) { return v * v; }
  static double first(Vector v) { return v[0]; }
  static std::size_t lanes() { return 2; }
};
#else
struct Ops {
  using D = hn::ScalableTag<double>;
  using V = hn::Vec<D>;
  static HWY_INLINE V load(const double* from) { return hn::LoadU(D(), from); }
  static HWY_INLINE V sum(V v) { return hn::Add(v, v); }
  static HWY_INLINE V product(V v) { return hn::Mul(v, v); }
  static HWY_INLINE V fused(V v) {
#if HWY_NATIVE_FMA
    return hn::MulAdd(v, v, v);
#else
    return hn::Mul(v, v);
#endif
  }
  static HWY_INLINE double first(V v) { return hn::GetLane(v); }
  static std::size_t lanes() { return hn::Lanes(D()); }
};
#endif

#define PACELINE_EACH_CHAIN(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

// Latencies are up to 4 cycles, and ports up to 4: 16 chains, all of them in the 16 registers that AVX2 has.
template <Stream stream>
HWY_NOINLINE double repeat(const double* HWY_RESTRICT start, std::uint64_t rounds) {
#define PACELINE_CHAINS(i)                         \
  auto a##i = Ops::load(start + i * start_stride); \
  auto b##i = Ops::load(start + (i + 8) * start_stride);
  PACELINE_EACH_CHAIN(PACELINE_CHAINS)
  for (std::uint64_t k = 0; k < rounds; ++k) {
#define PACELINE_OPERATE(i)                                                               \
  a##i = stream == Stream::sums || stream == Stream::sums_and_products ? Ops::sum(a##i)   \
         : stream == Stream::fused_and_products                        ? Ops::fused(a##i) \
                                                                       : Ops::product(a##i);                     \
  b##i = stream == Stream::sums ? Ops::sum(b##i) : Ops::product(b##i);
    PACELINE_EACH_CHAIN(PACELINE_OPERATE)
  }
  double all = 0;
#define PACELINE_COLLECT(i) all += Ops::first(a##i) + Ops::first(b##i);
  PACELINE_EACH_CHAIN(PACELINE_COLLECT)
  return all;
#undef PACELINE_CHAINS
#undef PACELINE_OPERATE
#undef PACELINE_COLLECT
}
#undef PACELINE_EACH_CHAIN

// Returns the operations done, times lanes.
std::uint64_t run_stream(Stream stream, const double* start, std::uint64_t rounds, double& sink) {
  switch (stream) {
    case Stream::sums: sink = repeat<Stream::sums>(start, rounds); break;
    case Stream::products: sink = repeat<Stream::products>(start, rounds); break;
    case Stream::fused_and_products: sink = repeat<Stream::fused_and_products>(start, rounds); break;
    case Stream::sums_and_products: sink = repeat<Stream::sums_and_products>(start, rounds); break;
  }
  return rounds * stream_chains * Ops::lanes();
}

bool fuses() { return HWY_TARGET != HWY_SCALAR && HWY_NATIVE_FMA; }

}  // namespace HWY_NAMESPACE
}  // namespace paceline::fractal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "run_benchmarks.hpp"
#include "workloads/fractal/kernel.hpp"

namespace paceline::fractal {
namespace {

HWY_EXPORT(run_stream);
HWY_EXPORT(fuses);

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

/// Giga-operations a second, times lanes; the best of several.
double stream_rate(std::int64_t target, Stream stream) {
  hwy::ChosenTarget chosen;
  chosen.Update(target);
  const auto run = HWY_DISPATCH_TABLE(run_stream)[chosen.GetIndex()];
  // Sums of zeros, products of ones: the values stay as they are.
  std::vector<double> start(stream_chains * start_stride, 1.0);
  const auto zeros = stream == Stream::sums ? stream_chains : stream == Stream::products ? 0 : stream_chains / 2;
  std::fill_n(start.begin(), zeros * start_stride, 0.0);
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    double sink = 0;
    std::uint64_t done = 0;
    const double s = seconds([&] { done = run(stream, start.data(), 10'000, sink); });
    benchmark::DoNotOptimize(sink);
    best = std::max(best, static_cast<double>(done) / s / 1e9);
  }
  return best;
}

/// Giga-iterations a second, see the top.
double limit(std::int64_t target) {
  hwy::ChosenTarget chosen;
  chosen.Update(target);
  const double sums = stream_rate(target, Stream::sums);
  const double products =
      std::max(stream_rate(target, Stream::products), stream_rate(target, Stream::fused_and_products));
  const double all = std::max({sums, products, stream_rate(target, Stream::sums_and_products)});
  if (HWY_DISPATCH_TABLE(fuses)[chosen.GetIndex()]()) {
    return 1 / std::max({3 / products, 6 / all, 10 / (2 * products + sums)});
  }
  return 1 / std::max({3 / products, 4 / sums, 7 / all});
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
  std::vector<double> rates, limits, fractions;
  double executed = 0;
  for (auto _ : state) {
    const double before = limit(target);
    KernelWork work;
    const double s = timed(state, picture, [&] {
      work = count_block_on<Count>(target, params, re, im, counts);
      return work.counted;
    });
    limits.push_back(std::max(before, limit(target)));
    state.SetIterationTime(s);
    executed = static_cast<double>(work.executed);
    rates.push_back(static_cast<double>(picture.counted) / s / 1e9);
    fractions.push_back(executed / s / 1e9 / limits.back());
  }
  state.counters["Giga_iter_per_s"] = median(rates);
  state.counters["limit_Giga_iter_per_s"] = median(limits);
  state.counters["fraction_of_limit"] = median(fractions);
  state.counters["executed_per_counted"] = executed / static_cast<double>(picture.counted);
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
        "plain_lessons/" + name, [target](benchmark::State& s) { plain<std::uint8_t>(s, target, lessons); }, 5);
    add(
        "plain_1000/" + name, [target](benchmark::State& s) { plain<std::uint16_t>(s, target, deep); }, 3);
    add(
        "skip_10000/" + name, [target](benchmark::State& s) { skip(s, target); }, 1);
  }
  add("reference_lessons", reference, 1);
}

}  // namespace
}  // namespace paceline::fractal

int main(int argc, char** argv) {
  paceline::fractal::register_all();
  return paceline::run_benchmarks(argc, argv);
}

#endif  // HWY_ONCE
