// A whole workload, as src/README.md explains it: the lengths of Collatz chains, and a histogram of them.
#pragma once

#include <cstring>

#include "workloads/workload.hpp"

namespace paceline::test {

/// An item is one start number; /collatz/length [count] is its result, and /collatz/histogram follows from all.
class Collatz final : public Workload, public Reduction {
 public:
  static constexpr std::int64_t bins = 64;

  void add_options(OptionSet& options) override {
    options.add("--count", count_, "start numbers, from 1 on").from(1, std::int64_t{1} << 40);
  }

  void prepare() override {
    shape_.path = "/collatz/length";
    shape_.type = ElementType::uint32;
    shape_.dims = {count_};
    shape_.attributes = {{"count", count_}};
  }

  [[nodiscard]] const ResultShape& shape() const override { return shape_; }

  [[nodiscard]] Traits traits() const override {
    Traits traits;
    traits.kernel = "3n + 1, one chain per item";
    traits.rate_unit = {"Mega-steps/s", 1e6};
    return traits;
  }

  [[nodiscard]] Parts parts() override {
    Parts parts;
    parts.reduction = this;
    return parts;
  }

  Work compute(Slab items, Operands operands, ItemOutput output) const override {
    compute_reference(items, operands, output);
    Work work;
    for (std::int64_t i = 0; i < items.size(); ++i) {
      std::uint32_t steps = 0;
      std::memcpy(&steps, &output.bytes[static_cast<std::size_t>(i) * sizeof steps], sizeof steps);
      work.useful += steps;
    }
    work.executed = work.useful;
    return work;
  }

  void compute_reference(Slab items, Operands /*none*/, ItemOutput output) const override {
    for (auto item = items.begin; item < items.end; ++item) {
      std::uint32_t steps = 0;
      for (auto n = static_cast<std::uint64_t>(item) + 1; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
      std::memcpy(&output.bytes[static_cast<std::size_t>(item - items.begin) * sizeof steps], &steps, sizeof steps);
    }
  }

  [[nodiscard]] Reduced reduce(const ReadItems& read) const override {
    Reduced reduced{"/collatz/histogram", "chains of 0 to 9 steps, 10 to 19, ...", {bins}, std::vector<double>(bins)};
    constexpr std::int64_t at_once = 1 << 16;
    std::vector<std::uint32_t> lengths;
    for (std::int64_t begin = 0; begin < count_; begin += at_once) {
      const Slab items{begin, std::min(begin + at_once, count_)};
      lengths.resize(static_cast<std::size_t>(items.size()));
      read(items, std::as_writable_bytes(std::span(lengths)));
      for (const auto length : lengths) ++reduced.values[std::min<std::size_t>(length / 10, bins - 1)];
    }
    return reduced;
  }

 private:
  std::int64_t count_ = 1000;
  ResultShape shape_;
};

}  // namespace paceline::test
