// Question: do the array kernels run at the speed of the memory, and what does a reproducible sum cost?
// Limits, measured in turn with the kernels, so that a busy host meets both:
//   multiply, add, triad   the best of a copy by memcpy (16 bytes per element), a triad as STREAM has it (24; with
//                          ordinary stores, memory also reads what it overwrites) and the same with streaming stores
//   sum, dot               reading alone: an OR of all words, as wide as the machine's vectors
// Peer of sum and dot: `omp simd reduction`, whose bits depend on the layout. Arrays of 128 MB, and more where caches
// are larger; every answer is checked. Run: build/bench/array_kernel_bench; threads have cores of their own with
// OMP_PROC_BIND=close.
#include <benchmark/benchmark.h>
#include <omp.h>
#include <unistd.h>

#include <hwy/highway.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "host/clock.hpp"
#include "host/page_buffer.hpp"
#include "run_benchmarks.hpp"
#include "workloads/array/kernels.hpp"
#include "workloads/array/partial.hpp"
#include "workloads/array/philox.hpp"

#ifdef __SSE2__
#include <immintrin.h>
#endif

// As wide as the machine allows, like Highway's run-time dispatch.
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default"), noinline))

namespace {

using namespace paceline;
using namespace paceline::array;

/// Of an array: twice the last cache, which can be half a gigabyte, but at most a sixteenth of the memory, and 128 MB
/// at least.
const std::size_t size = [] {
  const auto cache = static_cast<std::size_t>(std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE)));
  const auto memory =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::max(std::size_t{128'000'000}, std::min(2 * cache, memory / 16)) / sizeof(double);
}();

WIDEST void plain_triad(const double* __restrict x, const double* __restrict y, double* __restrict z, std::size_t n) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) z[i] = x[i] + 3.0 * y[i];
}
/// The same past the caches: nothing but loads, two operations and stores, of whole lines where the machine can.
#ifdef __SSE2__
__attribute__((target("avx512f"), noinline)) void streamed_lines(const double* x, const double* y, double* z,
                                                                 std::size_t n) {
  const auto three = _mm512_set1_pd(3.0);
  for (std::size_t i = 0; i + 8 <= n; i += 8) {
    const auto product = _mm512_mul_pd(three, _mm512_loadu_pd(y + i));
    _mm512_stream_pd(z + i, _mm512_add_pd(_mm512_loadu_pd(x + i), product));
  }
  _mm_sfence();
}
#endif
__attribute__((noinline)) void streamed_triad(const double* x, const double* y, double* z, std::size_t n) {
#ifdef __SSE2__
  if (__builtin_cpu_supports("avx512f")) return streamed_lines(x, y, z, n);
  const auto three = _mm_set1_pd(3.0);
  for (std::size_t i = 0; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; k += 2) {
      _mm_stream_pd(z + i + k, _mm_add_pd(_mm_load_pd(x + i + k), _mm_mul_pd(three, _mm_load_pd(y + i + k))));
    }
  }
  _mm_sfence();
#else
  plain_triad(x, y, z, n);
#endif
}
/// Elements. Readers hint, once a page, that the next one is needed: the machine's own prefetching ends with a page.
constexpr std::size_t page = 512;
WIDEST std::uint64_t read_one(const std::uint64_t* x, const std::uint64_t* /*y*/, std::size_t n) {
  std::uint64_t all = 0;
  for (std::size_t begin = 0; begin < n; begin += page) {
    const auto end = std::min(n, begin + page);
    __builtin_prefetch(x + end);
#pragma omp simd reduction(| : all)
    for (std::size_t i = begin; i < end; ++i) all |= x[i];
  }
  return all;
}
WIDEST std::uint64_t read_two(const std::uint64_t* x, const std::uint64_t* y, std::size_t n) {
  std::uint64_t all = 0;
  for (std::size_t begin = 0; begin < n; begin += page) {
    const auto end = std::min(n, begin + page);
    __builtin_prefetch(x + end);
    __builtin_prefetch(y + end);
#pragma omp simd reduction(| : all)
    for (std::size_t i = begin; i < end; ++i) all |= x[i] | y[i];
  }
  return all;
}
WIDEST double plain_sum(const double* x, std::size_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}
WIDEST double plain_dot(const double* x, const double* y, std::size_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

/// An array in huge pages, first touched by the thread that will work on it.
struct Array {
  PageBuffer memory{size * sizeof(double)};
  std::span<double> values{reinterpret_cast<double*>(memory.bytes().data()), size};
  Array() { memory.prefer_huge_pages(); }
};

/// Part of this thread, in whole blocks.
struct Part {
  std::size_t begin = 0, count = 0;
  Part() {
    const auto blocks = (size + block_elements - 1) / block_elements;
    const auto threads = static_cast<std::size_t>(omp_get_num_threads());
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    begin = std::min(size, blocks * thread / threads * block_elements);
    count = std::min(size, blocks * (thread + 1) / threads * block_elements) - begin;
  }
};

struct Data {
  Array x, y, z;
  explicit Data(int threads) {
#pragma omp parallel num_threads(threads)
    {
      const Part part;
      philox_uniform(0, static_cast<std::int64_t>(part.begin), x.values.subspan(part.begin, part.count));
      philox_uniform(1, static_cast<std::int64_t>(part.begin), y.values.subspan(part.begin, part.count));
      philox_uniform(1, static_cast<std::int64_t>(part.begin), z.values.subspan(part.begin, part.count));
    }
  }
};

/// Made once for each number of threads: it takes longer than measuring.
Data& data_of(int threads) {
  static std::map<int, Data> made;
  return made.try_emplace(threads, threads).first->second;
}

/// Seconds of `action(part)` on all threads.
template <class Action>
double together(int threads, const Action& action) {
  const Stopwatch watch;
#pragma omp parallel num_threads(threads)
  action(Part());
  return watch.seconds();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double gigabytes(double bytes_per_element) { return bytes_per_element * static_cast<double>(size) / 1e9; }

void elementwise(benchmark::State& state, const Operation& op, std::int64_t target, int threads) {
  Data& data = data_of(threads);
  const auto kernel = kernel_on(target, op.name);
  std::vector<double> rates, fractions;
  for (auto _ : state) {
    const auto copy_s = together(threads, [&](Part p) {
      std::memcpy(&data.z.values[p.begin], &data.x.values[p.begin], p.count * sizeof(double));
    });
    const auto triad_s = together(threads, [&](Part p) {
      plain_triad(&data.x.values[p.begin], &data.y.values[p.begin], &data.z.values[p.begin], p.count);
    });
    const auto streamed_s = together(threads, [&](Part p) {
      streamed_triad(&data.x.values[p.begin], &data.y.values[p.begin], &data.z.values[p.begin], p.count);
    });
    const auto seconds = together(threads, [&](Part p) {
      kernel(data.x.values.subspan(p.begin, p.count), data.y.values.subspan(p.begin, p.count),
             data.z.values.subspan(p.begin, p.count));
    });
    state.SetIterationTime(seconds);
    rates.push_back(gigabytes(op.bytes_per_element) / seconds);
    fractions.push_back(rates.back() /
                        std::max({gigabytes(16) / copy_s, gigabytes(24) / triad_s, gigabytes(24) / streamed_s}));
  }
  std::vector<double> expected(1);
  for (std::size_t i = 0; i < size; i += 997) {
    op.reference(data.x.values.subspan(i, 1), data.y.values.subspan(i, 1), expected);
    if (expected[0] != data.z.values[i]) state.SkipWithError("wrong result");
  }
  state.counters["GB_per_s"] = median(rates);
  state.counters["fraction_of_roof"] = median(fractions);
}

void reduction(benchmark::State& state, const Operation& op, std::int64_t target, int threads) {
  Data& data = data_of(threads);
  const auto kernel = kernel_on(target, op.name);
  const auto blocks = (size + block_elements - 1) / block_elements;
  std::vector<Partial> partials(blocks);
  std::vector<double> rates, fractions, costs;
  double plain = 0;
  for (auto _ : state) {
    const auto read_s = together(threads, [&](Part p) {
      const auto read = op.arrays > 1 ? read_two : read_one;
      auto all = read(reinterpret_cast<const std::uint64_t*>(&data.x.values[p.begin]),
                      reinterpret_cast<const std::uint64_t*>(&data.y.values[p.begin]), p.count);
      benchmark::DoNotOptimize(all);
    });
    std::vector<double> sums(static_cast<std::size_t>(threads));
    const auto plain_s = together(threads, [&](Part p) {
      sums[static_cast<std::size_t>(omp_get_thread_num())] =
          op.arrays > 1 ? plain_dot(&data.x.values[p.begin], &data.y.values[p.begin], p.count)
                        : plain_sum(&data.x.values[p.begin], p.count);
    });
    plain = 0;
    for (const double sum : sums) plain += sum;
    const auto seconds = together(threads, [&](Part p) {
      for (auto at = p.begin; at < p.begin + p.count; at += block_elements) {
        const auto count = std::min<std::size_t>(block_elements, p.begin + p.count - at);
        kernel(data.x.values.subspan(at, count), op.arrays > 1 ? data.y.values.subspan(at, count) : std::span<double>(),
               {&partials[at / block_elements].high, 2});
      }
    });
    state.SetIterationTime(seconds);
    rates.push_back(gigabytes(op.bytes_per_element) / seconds);
    fractions.push_back(read_s / seconds);
    costs.push_back(seconds / plain_s);
  }
  PartialTree tree;
  for (const auto& partial : partials) tree.add(partial);
  if (std::abs(tree.sum().value() - plain) > 1e-9 * plain) state.SkipWithError("wrong result");
  state.counters["GB_per_s"] = median(rates);
  state.counters["fraction_of_roof"] = median(fractions);
  state.counters["time_over_plain"] = median(costs);
}

void generator(benchmark::State& state) {
  std::vector<double> values(1 << 14);
  for (auto _ : state) {
    philox_uniform(0, 0, values);
    benchmark::DoNotOptimize(values.data());
  }
  state.counters["elements_per_s"] =
      benchmark::Counter(static_cast<double>(values.size()), benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  for (const int threads : {1, 2}) {
    if (threads > omp_get_num_procs()) break;  // a benchmark never oversubscribes
    for (const auto& op : operations()) {
      for (const auto target : simd_targets()) {
        const auto name = op.name + "/" + hwy::TargetName(target) + "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [&op, target, threads](benchmark::State& state) {
                                       op.reduces ? reduction(state, op, target, threads)
                                                  : elementwise(state, op, target, threads);
                                     })
            ->UseManualTime()
            ->Iterations(5)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
  benchmark::RegisterBenchmark("philox", generator);
  return run_benchmarks(argc, argv);
}
