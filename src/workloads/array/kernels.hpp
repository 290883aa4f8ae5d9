// The operations on arrays: one table that the command line, the workload, tests and benches read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/simd.hpp"

namespace paceline::array {

/// Elements of a block: 32 KiB, so that an item's digest is cheap beside it and a chunk still balances.
inline constexpr std::int64_t block_elements = 4096;

/// x and y have one length; y is empty for operations of one array. Elementwise: out has the same length. Reductions,
/// of one block: out is {high, low} of its sum, see partial.hpp.
using Kernel = void (*)(std::span<const double> x, std::span<const double> y, std::span<double> out);

struct Operation {
  std::string name;
  std::string formula;
  int arrays = 2;  ///< that are read
  bool reduces = false;
  double bytes_per_element = 0;  ///< read and written, as STREAM counts: no reads for ownership
  double flops_per_element = 0;  ///< of the formula, without error terms
  Kernel run = nullptr;          ///< by the machine's best instructions; no heap, re-entrant
  Kernel reference = nullptr;    ///< the same bits, an element at a time
};

const std::vector<Operation>& operations();
/// Throws std::out_of_range.
const Operation& operation(const std::string& name);

/// The kernel of an operation for one of simd_targets(), for tests and benches. Throws std::invalid_argument for
/// another.
Kernel kernel_on(std::int64_t target, const std::string& name);

}  // namespace paceline::array
