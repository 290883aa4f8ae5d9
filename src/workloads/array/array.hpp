// Array blocks: one operation on arrays of doubles, elementwise or reduced to a number.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/array/kernels.hpp"
#include "workloads/table/csv_file.hpp"
#include "workloads/workload.hpp"

namespace paceline::array {

/// An item is a block of block_elements elements. Elementwise operations make `/array/z`, reductions the sum of each
/// block in `/array/partials` and, of these, `/array/value`.
class Array final : public Workload, public NumberInputs, public ScannedFile, public Reduction {
 public:
  void add_options(OptionSet& options) override;
  void prepare() override;
  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] Traits traits() const override;
  [[nodiscard]] Parts parts() override;

  Work compute(Slab items, Operands operands, ItemOutput output) const override;
  void compute_reference(Slab items, Operands operands, ItemOutput output) const override;

  [[nodiscard]] std::span<const Input> inputs() const override { return inputs_; }
  [[nodiscard]] std::int64_t elements_per_item() const override { return block_elements; }
  [[nodiscard]] InputMemory input_memory() const override { return memory_; }
  void set_extents(const std::vector<std::int64_t>& extents) override;
  [[nodiscard]] std::int64_t elements() const override { return size_; }

  [[nodiscard]] std::filesystem::path scanned_path() const override { return csv_->path(); }
  [[nodiscard]] std::string encoding() const override { return csv_options_.encoding; }
  void open_source(Source source, std::int64_t keep_bytes) override { csv_->open(std::move(source), keep_bytes); }
  [[nodiscard]] std::int64_t ranges() const override { return csv_->ranges(); }
  [[nodiscard]] std::int64_t range_bytes() const override { return csv_->range_bytes(); }
  bool scan(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts) override {
    return csv_->scan(range, bytes, facts);
  }
  std::vector<std::int64_t> reduce_scan(std::span<const std::int64_t> facts) override;

  [[nodiscard]] Reduced reduce(const ReadItems& read) const override;

 private:
  void read_from(const std::string& text);
  void read_from_csv(const std::string& text, std::size_t colon);
  void run(Kernel kernel, Slab items, Operands operands, std::span<std::byte> bytes) const;

  // As the command line gives them.
  std::string name_ = "multiply";
  std::int64_t size_ = 16'000'000;
  std::int64_t seed_ = 0;
  std::string input_;
  InputMemory memory_ = InputMemory::per_rank;
  bool follows_external_ = false;
  table::CsvOptions csv_options_;

  // Made of them by prepare().
  const Operation* operation_ = nullptr;
  std::vector<Input> inputs_;
  std::optional<table::CsvFile> csv_;  ///< where inputs are columns of one
  Attributes source_;
  ResultShape shape_;
};

}  // namespace paceline::array
