// Columns of a CSV file: byte ranges over ranks, types decided over whole columns.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/table/csv_file.hpp"
#include "workloads/workload.hpp"

namespace paceline::table {

/// An item is the records of a byte range; `/table/NAME` is a column. Texts have the width of the longest, as HDF5's
/// strings have. Where a few are so long that most of the file would be padding, `/table/NAME` is the bytes of all
/// texts and `/table/NAME_begin`, `/table/NAME_bytes` say which are whose.
class Table final : public Workload, public ScannedFile {
 public:
  void add_options(OptionSet& options) override;
  void prepare() override;
  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] Traits traits() const override;
  [[nodiscard]] Parts parts() override;

  Work compute(Slab items, Operands operands, ItemOutput output) const override;
  void compute_reference(Slab items, Operands operands, ItemOutput output) const override;
  [[nodiscard]] double estimate_cost(std::int64_t item) const override {
    return static_cast<double>(file_->bytes_of(item) + 1);
  }

  [[nodiscard]] std::filesystem::path scanned_path() const override { return path_; }
  [[nodiscard]] std::string encoding() const override { return options_.encoding; }
  void open_source(Source source, std::int64_t keep_bytes) override { file_->open(std::move(source), keep_bytes); }
  [[nodiscard]] std::int64_t ranges() const override { return file_->ranges(); }
  [[nodiscard]] std::int64_t range_bytes() const override { return file_->range_bytes(); }
  bool scan(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts) override {
    return file_->scan(range, bytes, facts);
  }
  std::vector<std::int64_t> reduce_scan(std::span<const std::int64_t> facts) override;

 private:
  void make_shape();
  void add_column(const ColumnInfo& column);
  /// `text_of_row(row, memory)`: the text of a row, which may lie in `memory`; nothing where it is missing.
  template <class TextOfRow>
  void put_texts(std::size_t column, std::int64_t item, std::span<std::byte>& rest, const TextOfRow& text_of_row) const;
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
  std::vector<bool> are_long_;  ///< of each column: its texts are kept as bytes
};

/// When a file was changed last; a result is not gone on with from another file.
std::int64_t modified(const std::filesystem::path& file);

}  // namespace paceline::table
