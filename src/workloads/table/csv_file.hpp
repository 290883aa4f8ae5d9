// The columns of a CSV file, by a scan of its ranges: whose records they are, and what each column is.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <paceline/error.hpp>

#include "workloads/table/column_info.hpp"
#include "workloads/table/names.hpp"
#include "workloads/table/per_thread.hpp"
#include "workloads/table/records.hpp"
#include "workloads/table/value_memory.hpp"
#include "workloads/workload.hpp"

namespace paceline::table {

inline constexpr std::int64_t largest_range = std::int64_t{1} << 30;

class CsvFile {
 public:
  /// `names`: of the columns, without types or with them; empty: all of them. `range_bytes`: 0: chosen by the file's
  /// size. Throws Error (usage).
  CsvFile(std::filesystem::path path, std::vector<ListedName> names, std::int64_t range_bytes,
          const CsvOptions& options = {});

  // The scan, as ScannedFile has it.

  /// Reads the header. Throws Error (input) for a file without one, names that it has not or has twice.
  void open(Source source, std::int64_t keep_bytes);
  [[nodiscard]] std::int64_t ranges() const { return ranges_; }
  [[nodiscard]] std::int64_t range_bytes() const { return range_bytes_; }
  bool scan(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts);
  /// Throws Error (input) naming the line of the first thing that is wrong in the file.
  std::vector<std::int64_t> reduce(std::span<const std::int64_t> facts);

  // After the scan.

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::int64_t bytes() const { return layout_.file_bytes; }
  [[nodiscard]] const std::vector<ColumnInfo>& columns() const { return columns_; }
  /// First row of each range, and the number of rows.
  [[nodiscard]] const std::vector<std::int64_t>& starts() const { return starts_; }
  /// Bytes of the file that hold a range's records.
  [[nodiscard]] std::int64_t bytes_of(std::int64_t range) const;
  [[nodiscard]] std::int64_t most_bytes() const;

  /// The columns of a range, as they were kept, else parsed again; the calling thread's, until it asks for another
  /// range. Throws Error (input) if the file is no longer what it was.
  [[nodiscard]] const RangeValues& values(std::int64_t range) const;
  /// Rows `rows` of a column that is a number without missing values, as doubles; by any thread.
  void read_reals(std::size_t column, Slab rows, std::span<double> values) const;
  /// Records of a range by the reference parser, the wanted fields in order. `bytes` keeps what they are views of.
  [[nodiscard]] std::vector<std::vector<Field>> reference(std::int64_t range, std::vector<char>& bytes) const;
  [[nodiscard]] const Dialect& dialect() const { return layout_.dialect; }
  /// How the file was unpacked or converted before it was read; empty: it was not.
  [[nodiscard]] const std::string& origin() const { return source_.origin; }

 private:
  /// Values of a column of a range.
  struct KeptColumn {
    Kind kind = Kind::nothing;
    bool has_negative_zero = false;
    std::optional<int> places;        ///< of packed values, see pack(); none: they are not packed
    std::span<std::uint64_t> values;  ///< or
    std::span<std::int32_t> packed;
    std::vector<std::uint32_t> missing;
    [[nodiscard]] std::size_t rows() const { return places ? packed.size() : values.size(); }
  };
  /// What a thread needs while it scans or parses.
  struct Scratch {
    explicit Scratch(KeptPages& pages) : kept(&pages) {}

    std::int64_t range = no_range;  ///< whose values are in the workspace
    std::vector<char> bytes;
    Workspace workspace;
    ValueMemory kept;  ///< values of `kept_`
  };
  static constexpr std::int64_t no_range = -1;

  void choose_range();
  void find_names(const std::vector<std::string>& header);
  void keep(std::int64_t range, const RangeValues& values, ValueMemory& memory);
  void unpack_kept(std::int64_t range, Workspace& workspace) const;
  void parse(std::int64_t range, Scratch& scratch) const;
  [[nodiscard]] bool is_kept(std::int64_t range) const;
  [[nodiscard]] RangeFacts lines_before_trouble(std::int64_t range, std::span<const char> bytes) const;
  [[nodiscard]] std::int64_t line_of_trouble(std::span<const RangeFacts> lines) const;
  [[nodiscard]] std::vector<std::int64_t> ranges_of_unknown_length(const std::vector<RangeFacts>& all);
  void settle(const std::vector<RangeFacts>& all);

  std::filesystem::path path_;
  std::vector<ListedName> names_;
  std::int64_t range_bytes_;
  CsvOptions options_;
  Source source_;
  std::int64_t ranges_ = 0;
  Layout layout_;
  std::vector<Place> places_;          ///< where each range begins, once it is known
  std::optional<RangeFacts> trouble_;  ///< what is wrong first, while all count the lines before it
  std::vector<ColumnInfo> columns_;
  std::vector<Kind> kinds_;
  std::vector<std::int64_t> starts_;
  std::vector<std::int64_t> begins_, ends_;  ///< in the file, of the records of each range
  mutable KeptPages pages_;
  std::vector<std::vector<KeptColumn>> kept_;  ///< of ranges scanned here, as far as there is room
  std::int64_t keep_bytes_ = 0;
  std::atomic<std::int64_t> kept_bytes_ = 0;
  PerThread<Scratch> scratch_;
};

}  // namespace paceline::table
