// Which instruction set runs, and the table of operations.

#include "host/simd_targets.hpp"

#define HWY_TARGET_INCLUDE "workloads/array/kernels.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/array/kernels_inl.hpp"
#include "workloads/array/kernels_reference.hpp"

#if HWY_ONCE

#include <stdexcept>

namespace paceline::array {
namespace {

HWY_EXPORT(multiply);
HWY_EXPORT(add);
HWY_EXPORT(triad);
HWY_EXPORT(sum);
HWY_EXPORT(dot);

std::vector<Operation> make_operations() {
  std::vector<Operation> all = {
      {"multiply", "x * y", 2, false, 24, 1, nullptr, multiply_reference},
      {"add", "x + y", 2, false, 24, 1, nullptr, add_reference},
      {"triad", "x + 3*y", 2, false, 24, 2, nullptr, triad_reference},
      {"sum", "sum of x", 1, true, 8, 1, nullptr, sum_reference},
      {"dot", "sum of x * y", 2, true, 16, 2, nullptr, dot_reference},
  };
  for (auto& operation : all) operation.run = kernel_on(simd_targets().front(), operation.name);
  return all;
}

}  // namespace

const std::vector<Operation>& operations() {
  static const auto all = make_operations();
  return all;
}

const Operation& operation(const std::string& name) {
  for (const auto& candidate : operations()) {
    if (candidate.name == name) return candidate;
  }
  throw std::out_of_range("array: there is no operation " + name);
}

Kernel kernel_on(std::int64_t target, const std::string& name) {
  const auto index = simd_index(target);
  if (name == "multiply") return HWY_DISPATCH_TABLE(multiply)[index];
  if (name == "add") return HWY_DISPATCH_TABLE(add)[index];
  if (name == "triad") return HWY_DISPATCH_TABLE(triad)[index];
  if (name == "sum") return HWY_DISPATCH_TABLE(sum)[index];
  if (name == "dot") return HWY_DISPATCH_TABLE(dot)[index];
  throw std::invalid_argument("array kernel: there is no operation " + name);
}

}  // namespace paceline::array

#endif  // HWY_ONCE
