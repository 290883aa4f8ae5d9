// Where inputs come from: elements are made, or read from files; how many there are is asked first.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <paceline/comm.hpp>

#include "storage/input_file.hpp"
#include "workloads/workload.hpp"

namespace paceline {

/// Null, no inputs: false.
bool lie_in_files(const NumberInputs* inputs);
/// Throws Error (input).
InputFile open_input(const Input& input, std::int64_t memory_limit);
/// All threads make some elements.
void make_together(const Input& input, Slab elements, std::span<double> values);

/// Asks the inputs' files for the number of elements and tells the workload. Null: it has none. Collective; on rank 0
/// the files are looked at, and errors are agreed upon.
void measure_inputs(const Comm& world, NumberInputs* inputs, std::int64_t memory_limit);

/// Reads or makes any elements of any input, on one rank alone: for --verify.
class InputReader {
 public:
  /// Null: there are none.
  InputReader(const NumberInputs* inputs, std::int64_t memory_limit);
  /// Replaces `operands` by the elements of `items`. Not for two threads at once.
  void read(Slab items, std::vector<std::vector<double>>& values);

 private:
  const NumberInputs* inputs_;
  std::vector<std::optional<InputFile>> files_;
};

/// The elements that items are computed from.
Slab elements_of(const NumberInputs& inputs, Slab items);

}  // namespace paceline
