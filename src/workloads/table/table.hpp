// Columns of a CSV file: byte ranges over ranks, types decided over whole columns.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/table/csv_file.hpp"
#include "workloads/workload.hpp"

namespace paceline::table {

/// An item is the records of a byte range; `/table/NAME` is a column. int64 and float64 columns have a place a row, so
/// that all ranks write them; with a text column, rank 0 writes all.
class Table final : public Workload {
 public:
  void add_options(CLI::App& app) override;
  void prepare() override;

  [[nodiscard]] std::filesystem::path source() const override { return path_; }
  [[nodiscard]] std::string source_encoding() const override { return options_.encoding; }
  void open_source(Source source, std::int64_t keep_bytes) override { file_->open(std::move(source), keep_bytes); }
  [[nodiscard]] std::int64_t ranges() const override { return file_->ranges(); }
  [[nodiscard]] std::int64_t range_bytes() const override { return file_->range_bytes(); }
  bool survey(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts) override {
    return file_->survey(range, bytes, facts);
  }
  std::vector<std::int64_t> conclude_survey(std::span<const std::int64_t> facts) override;

  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] std::string kernel_name() const override;
  [[nodiscard]] RateUnit rate_unit() const override { return {"GB/s", 1e9}; }
  [[nodiscard]] double worst_item_work() const override { return static_cast<double>(file_->most_bytes()); }

  Work compute(Slab items, Operands operands, std::span<std::byte> bytes) const override;
  void compute_reference(Slab items, Operands operands, std::span<std::byte> bytes) const override;
  Work compute_parcel(std::int64_t item, Operands operands, std::vector<std::byte>& parcel) const override;
  void compute_parcel_reference(std::int64_t item, Operands operands, std::vector<std::byte>& parcel) const override;
  [[nodiscard]] double estimate_cost(std::int64_t item) const override {
    return static_cast<double>(file_->bytes_of(item) + 1);
  }

 private:
  void make_shape();
  /// The value of a row as it is stored, by what the column is.
  [[nodiscard]] std::uint64_t stored(const ColumnInfo& column, const ColumnValues& values, std::size_t row) const;
  [[nodiscard]] bool is_missing(const ColumnInfo& column, const Field& field) const;
  [[nodiscard]] std::uint64_t stored_reference(const ColumnInfo& column, const Field& field) const;

  // As the command line gives them.
  std::string path_;
  std::string columns_;
  std::int64_t range_bytes_ = 0;
  CsvOptions options_;

  std::optional<CsvFile> file_;
  ResultShape shape_;
};

/// When a file was changed last; a result is not gone on with from another file.
std::int64_t modified(const std::filesystem::path& file);

}  // namespace paceline::table
