#include "engine/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include <paceline/error.hpp>

#include "engine/input_source.hpp"

namespace paceline {
namespace {

std::vector<std::byte> joined(const Pieces& pieces) {
  std::vector<std::byte> bytes;
  for (const auto& piece : pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

}  // namespace

void verify(const Workload& workload, const NumberInputs* inputs, const ResultFile& file, int threads,
            std::int64_t memory_limit) {
  const auto& shape = workload.shape();
  const auto input_bytes =
      inputs == nullptr ? 0 : std::ssize(inputs->inputs()) * inputs->elements_per_item() * std::int64_t{sizeof(double)};
  // Variable bytes, of which HDF5 is asked by one thread, are looked at item by item.
  const auto most = shape.variable ? std::int64_t{1} : std::int64_t{4096};
  const auto step = std::clamp(memory_limit / 4 / (shape.most_bytes_per_item() + input_bytes), std::int64_t{1}, most);
  InputReader reader(inputs, memory_limit);
  std::vector<std::vector<double>> values;
  std::vector<std::byte> stored, expected;
  std::int64_t first_wrong = shape.items();
  std::int64_t wrong = 0;
  std::atomic<bool> is_interrupted{false};
  for (std::int64_t begin = 0; begin < shape.items(); begin += step) {
    const Slab slab{begin, std::min(begin + step, shape.items())};
    stored.resize(shape.bytes_in(slab));
    expected.resize(stored.size());
    file.read(slab, stored);
    reader.read(slab, values);
    std::vector<std::byte> stored_variable;
    if (shape.variable) {
      const auto mark = file.marks(slab).front();
      if (mark.begin >= 0) stored_variable = file.read_variable(mark.begin, mark.size);
    }
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : wrong) reduction(min : first_wrong)
    for (std::int64_t item = slab.begin; item < slab.end; ++item) {
      const auto at = shape.bytes_in({slab.begin, item});
      const auto here = shape.bytes_in({item, item + 1});
      std::vector<std::span<const double>> operands;
      for (const auto& whole : values) {
        const auto first = elements_of(*inputs, slab).begin;
        const auto elements = elements_of(*inputs, {item, item + 1});
        operands.push_back(std::span(whole).subspan(static_cast<std::size_t>(elements.begin - first),
                                                    static_cast<std::size_t>(elements.size())));
      }
      Pieces variable;
      try {
        workload.compute_reference({item, item + 1}, operands,
                                   {std::span(expected).subspan(at, here), shape.variable ? &variable : nullptr});
      } catch (const Interrupted&) {
        is_interrupted = true;
        continue;
      }
      const bool is_same = here == 0 || std::memcmp(&stored[at], &expected[at], here) == 0;
      if (!is_same || (shape.variable && joined(variable) != stored_variable)) {
        ++wrong;
        first_wrong = std::min(first_wrong, item);
      }
    }
    if (is_interrupted) {
      throw Error(ErrorKind::failure, "interrupted during --verify", "the result itself is whole",
                  "the same command with --resume verifies it again");
    }
  }
  if (wrong == 0) return;
  throw Error(
      ErrorKind::check, "--verify found a wrong result",
      fmt::format("{} of {} items differ from the scalar reference, first item {}", wrong, shape.items(), first_wrong),
      "please report it with the output of `paceline info`");
}

}  // namespace paceline
