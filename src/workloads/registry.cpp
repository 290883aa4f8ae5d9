// Every workload, a line each.
#include "workloads/array/array.hpp"
#include "workloads/calibrate/calibrate.hpp"
#include "workloads/fetch/fetch.hpp"
#include "workloads/fractal/fractal.hpp"
#include "workloads/table/table.hpp"
#include "workloads/tasks/tasks.hpp"
#include "workloads/workload.hpp"

namespace paceline {
namespace {

template <class T>
std::unique_ptr<Workload> make() {
  return std::make_unique<T>();
}

}  // namespace

const std::vector<WorkloadEntry>& workloads() {
  static const std::vector<WorkloadEntry> entries = {
      {"fractal", "escape-time fractals: Mandelbrot, Julia, Burning Ship, Tricorn", "dynamic", make<fractal::Fractal>},
      {"array", "arrays of doubles: multiply, add, triad, sum, dot", "block", make<array::Array>},
      {"calibrate", "work with a known serial fraction, to check fits against", "dynamic", make<calibrate::Calibrate>},
      {"tasks", "a list of tasks: squares, Fibonacci, sleep, spin, fail", "dynamic", make<tasks::Tasks>},
      {"table", "columns of a CSV file of any size", "block", make<table::Table>},
      {"fetch", "web requests and files, many at a time", "dynamic", make<fetch::Fetch>},
  };
  return entries;
}

}  // namespace paceline
