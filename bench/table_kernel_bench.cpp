// How fast does one core parse numeric columns of CSV that lie in memory?
// Limit: 0.75 GB/s a core, so that two make 1.5. Beside it, on the same text: separators alone, the numbers alone,
// std::from_chars (fast_float's algorithm) for the numbers, and reading the text once, which nothing can beat. Every
// value is checked.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "run_benchmarks.hpp"
#include "workloads/table/field.hpp"
#include "workloads/table/plain_numbers.hpp"
#include "workloads/table/records.hpp"
#include "workloads/table/separators.hpp"

namespace paceline::table {
namespace {

constexpr std::int64_t columns = 8;
constexpr std::size_t text_bytes = std::size_t{16} << 20;

/// Two columns of integers and six of reals, as they are commonly written.
struct Sample {
  explicit Sample(const char* format) {
    text = "a,b,c,d,e,f,g,h\n";
    layout.data_begin = std::ssize(text);
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal(0, 100);
    while (text.size() < text_bytes) {
      values.push_back(static_cast<double>(values.size() / columns));
      text += fmt::format("{}", values.size() / columns);
      values.push_back(static_cast<double>(random() % 1000000000) - 1e6);
      text += fmt::format(",{:.0f}", values.back());
      for (int k = 0; k < 6; ++k) {
        const auto field = fmt::format(fmt::runtime(format), normal(random));
        values.push_back(std::strtod(field.c_str(), nullptr));
        text += ',' + field;
      }
      text += '\n';
    }
    ScanState state;
    const auto begin = static_cast<std::uint32_t>(layout.data_begin);
    found.positions.push_back(begin - 1);
    find_separators(text.data() + begin, text.size() - begin, begin, state, found);
    layout.fields = columns;
    layout.file_bytes = std::ssize(text);
    layout.types.assign(columns, Type::any);
    layout.wanted.resize(columns);
    std::iota(layout.wanted.begin(), layout.wanted.end(), 0);
  }
  std::string text;
  std::vector<double> values;  ///< row by row
  Separators found;
  Layout layout;
};

const Sample& sample(std::int64_t which) {
  static const Sample six("{:.6f}"), full("{}");
  return which == 0 ? six : full;
}

void finish(benchmark::State& state, const Sample& text) {
  state.SetBytesProcessed(state.iterations() * std::ssize(text.text));
  state.counters["ns/field"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(text.values.size()) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetLabel(state.range(0) == 0 ? "six decimals" : "all digits");
}

/// What a thread does with a file: ranges of 256 KiB, found and parsed.
void records(benchmark::State& state) {
  const auto& text = sample(state.range(0));
  constexpr std::size_t range = std::size_t{256} << 10;
  Workspace workspace;
  const auto& facts = workspace.facts;
  const auto& values = workspace.values;
  for (auto _ : state) {
    std::size_t row = 0;
    for (std::size_t begin = 0; begin < text.text.size(); begin += range) {
      workspace.memory.clear();
      scan_range(text.layout, {static_cast<std::int64_t>(begin), range, std::span(text.text).subspan(begin), {}},
                 workspace, workspace.memory);
      for (std::size_t k = 0; facts.rows > 0 && k < values.size(); ++k) {
        const auto last = values[k].values.back();
        const auto value = values[k].kind == Kind::real ? std::bit_cast<double>(last)
                                                        : static_cast<double>(static_cast<std::int64_t>(last));
        const auto at = row + static_cast<std::size_t>(facts.rows) - 1;
        if (value != text.values[at * columns + k]) return state.SkipWithError("a value is wrong");
      }
      row += static_cast<std::size_t>(facts.rows);
    }
    if (row * columns != text.values.size()) return state.SkipWithError("records are missing");
  }
  finish(state, text);
}

void separators(benchmark::State& state) {
  const auto& text = sample(state.range(0));
  Separators found;
  for (auto _ : state) {
    found.positions.clear();
    found.line_ends.clear();
    ScanState scan;
    find_separators(text.text.data(), text.text.size(), 0, scan, found);
    benchmark::DoNotOptimize(found.positions.data());
  }
  if (found.positions.size() + 1 != text.found.positions.size() + columns)
    return state.SkipWithError("separators are missing");
  finish(state, text);
}

/// `take(text, first row, rows, column, values)` fills the reals of a column; so many rows as lie in a cache.
template <class Take>
void numbers(benchmark::State& state, Take&& take) {
  constexpr std::size_t most = 1024;
  const auto& text = sample(state.range(0));
  const auto rows = text.values.size() / columns;
  std::vector<std::uint64_t> values(most);
  for (auto _ : state) {
    for (std::size_t first = 0; first < rows; first += most) {
      const auto here = std::min(most, rows - first);
      for (std::size_t k = 0; k < columns; ++k) {
        take(text, first, here, k, values.data());
        if (std::bit_cast<double>(values[here / 2]) != text.values[(first + here / 2) * columns + k]) {
          return state.SkipWithError("a value is wrong");
        }
      }
    }
  }
  finish(state, text);
}

void plain_numbers(benchmark::State& state) {
  std::vector<std::uint32_t> ends;
  numbers(state, [&](const Sample& text, std::size_t first, std::size_t rows, std::size_t column,
                     std::uint64_t* values) {
    ends.resize(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      ends[row] = static_cast<std::uint32_t>((first + row) * columns + column + 1);
    }
    FieldRun run{text.text.data(), text.found.positions.data(), ends, column + 1 == columns};
    for (std::size_t row = 0; row < rows; ++row) {
      run.ends = std::span(ends).subspan(row);
      row += take_plain_numbers(run, Kind::real, values + row);
      if (row == rows) break;
      const auto* end = text.text.data() + run.positions[ends[row]];
      const auto number = parse_number(text.text.data() + run.positions[ends[row] - 1] + 1, end, end);
      values[row] =
          std::bit_cast<std::uint64_t>(number.kind == Kind::real ? number.real : static_cast<double>(number.integer));
    }
  });
}

void from_chars(benchmark::State& state) {
  numbers(state,
          [](const Sample& text, std::size_t first, std::size_t rows, std::size_t column, std::uint64_t* values) {
            const auto* positions = text.found.positions.data() + first * columns + column;
            for (std::size_t row = 0; row < rows; ++row, positions += columns) {
              double value = 0;
              std::from_chars(text.text.data() + positions[0] + 1, text.text.data() + positions[1], value);
              values[row] = std::bit_cast<std::uint64_t>(value);
            }
          });
}

void reading(benchmark::State& state) {
  const auto& text = sample(state.range(0));
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at + 8 <= text.text.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.text.data() + at, sizeof word);
      sum += word;
    }
    benchmark::DoNotOptimize(sum);
  }
  finish(state, text);
}

BENCHMARK(records)->Arg(0)->Arg(1);
BENCHMARK(separators)->Arg(0)->Arg(1);
BENCHMARK(plain_numbers)->Arg(0)->Arg(1);
BENCHMARK(from_chars)->Arg(0)->Arg(1);
BENCHMARK(reading)->Arg(0)->Arg(1);

}  // namespace
}  // namespace paceline::table

int main(int argc, char** argv) { return paceline::run_benchmarks(argc, argv); }
