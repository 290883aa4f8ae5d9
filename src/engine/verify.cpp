#include "engine/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <paceline/error.hpp>

#include "engine/inputs.hpp"

namespace paceline {
namespace {

void complain_of(std::int64_t wrong, std::int64_t first_wrong, std::int64_t items) {
  if (wrong == 0) return;
  throw Error(ExitCode::check, "--verify found a wrong result",
              fmt::format("{} of {} items differ from the scalar reference, first item {}", wrong, items, first_wrong),
              "please report it with the output of `paceline info`");
}

}  // namespace

void verify(const Workload& workload, const ReadItems& read, int threads, std::int64_t memory_limit) {
  const auto& shape = workload.shape();
  const auto each = static_cast<std::size_t>(shape.bytes_per_item());
  const auto input_bytes = std::ssize(workload.inputs()) * workload.elements_per_item() * std::int64_t{sizeof(double)};
  const auto step =
      std::clamp(memory_limit / 4 / (shape.bytes_per_item() + input_bytes), std::int64_t{1}, std::int64_t{4096});
  InputReader inputs(workload, memory_limit);
  std::vector<std::vector<double>> values;
  std::vector<std::byte> stored, expected;
  std::int64_t first_wrong = shape.items();
  std::int64_t wrong = 0;
  for (std::int64_t begin = 0; begin < shape.items(); begin += step) {
    const Slab slab{begin, std::min(begin + step, shape.items())};
    stored.resize(static_cast<std::size_t>(slab.size()) * each);
    expected.resize(stored.size());
    read(slab, stored);
    inputs.read(slab, values);
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : wrong) reduction(min : first_wrong)
    for (std::int64_t item = slab.begin; item < slab.end; ++item) {
      const auto at = static_cast<std::size_t>(item - slab.begin) * each;
      const auto here = shape.bytes_in({item, item + 1});
      std::vector<std::span<const double>> operands;
      for (const auto& whole : values) {
        const auto first = elements_of(workload, slab).begin;
        const auto elements = elements_of(workload, {item, item + 1});
        operands.push_back(std::span(whole).subspan(static_cast<std::size_t>(elements.begin - first),
                                                    static_cast<std::size_t>(elements.size())));
      }
      workload.compute_reference({item, item + 1}, operands, std::span(expected).subspan(at, here));
      if (std::memcmp(&stored[at], &expected[at], here) != 0) {
        ++wrong;
        first_wrong = std::min(first_wrong, item);
      }
    }
  }
  complain_of(wrong, first_wrong, shape.items());
}

void verify_parcels(const Workload& workload, const ReadParcel& read) {
  const auto items = workload.shape().items();
  std::int64_t first_wrong = items;
  std::int64_t wrong = 0;
  for (std::int64_t item = 0; item < items; ++item) {
    // First this one: HDF5 needs more memory for it than it is long.
    const auto stored = read(item);
    std::vector<std::byte> expected;
    try {
      workload.compute_parcel_reference(item, {}, expected);
    } catch (const Interrupted&) {
      throw Error(ExitCode::failure, "interrupted during --verify", "the result itself is whole",
                  "the same command with --resume verifies it again");
    }
    if (stored == expected) continue;
    first_wrong = std::min(first_wrong, item);
    ++wrong;
  }
  complain_of(wrong, first_wrong, items);
}

}  // namespace paceline
