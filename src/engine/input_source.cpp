#include "engine/input_source.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace paceline {
namespace {

// Made at once by a thread.
constexpr std::int64_t block_elements = std::int64_t{1} << 14;

}  // namespace

bool lie_in_files(const NumberInputs* inputs) { return inputs != nullptr && !inputs->inputs().front().is_made(); }

InputFile open_input(const Input& input, std::int64_t memory_limit) {
  return {input.file, input.dataset, {input.follows_external, memory_limit}};
}

void make_together(const Input& input, Slab elements, std::span<double> values) {
  const auto blocks = (elements.size() + block_elements - 1) / block_elements;
#pragma omp parallel for schedule(static)
  for (std::int64_t block = 0; block < blocks; ++block) {
    const auto first = block * block_elements;
    const auto count = std::min(block_elements, elements.size() - first);
    input.make({elements.begin + first, elements.begin + first + count},
               values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
  }
}

void measure_inputs(const Comm& world, NumberInputs* inputs, std::int64_t memory_limit) {
  if (!lie_in_files(inputs)) return;
  std::vector<std::int64_t> extents;
  collective(world, [&] {
    if (world.rank() != 0) return;
    for (const auto& input : inputs->inputs()) {
      const auto here = open_input(input, memory_limit).extents();
      if (!extents.empty() && here != extents) {
        const auto shape = [](const std::vector<std::int64_t>& all) {
          return all.size() == 1 ? fmt::format("{} elements", all.front()) : fmt::format("{}", fmt::join(all, " x "));
        };
        throw Error(ErrorKind::input, fmt::format("can't use {}", input.file.string()),
                    fmt::format("{} has {}, {} has {}", inputs->inputs().front().dataset, shape(extents), input.dataset,
                                shape(here)),
                    "name datasets of one shape");
      }
      extents = here;
    }
  });
  inputs->set_extents(world.gather_all(extents).front());
}

Slab elements_of(const NumberInputs& inputs, Slab items) {
  const auto each = inputs.elements_per_item();
  return {std::min(items.begin * each, inputs.elements()), std::min(items.end * each, inputs.elements())};
}

InputReader::InputReader(const NumberInputs* inputs, std::int64_t memory_limit) : inputs_(inputs) {
  if (inputs == nullptr) return;
  for (const auto& input : inputs->inputs()) {
    auto& file = files_.emplace_back();
    if (!input.is_made()) file.emplace(open_input(input, memory_limit));
  }
}

void InputReader::read(Slab items, std::vector<std::vector<double>>& values) {
  values.resize(files_.size());
  if (files_.empty()) return;
  const auto elements = elements_of(*inputs_, items);
  for (std::size_t k = 0; k < files_.size(); ++k) {
    values[k].resize(static_cast<std::size_t>(elements.size()));
    if (files_[k]) {
      files_[k]->read(elements, values[k]);
    } else {
      make_together(inputs_->inputs()[k], elements, values[k]);
    }
  }
}

}  // namespace paceline
