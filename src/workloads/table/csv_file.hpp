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

#include "workloads/table/names.hpp"
#include "workloads/table/records.hpp"
#include "workloads/table/value_memory.hpp"
#include "workloads/workload.hpp"

namespace paceline::table {

inline constexpr std::int64_t largest_range = std::int64_t{1} << 30;

/// Names of the types that a user may give.
std::span<const std::string_view> type_names();

/// What a whole column is.
struct ColumnInfo {
  std::string name;
  Type type = Type::any;  ///< as it was asked for
  Kind kind = Kind::real;
  std::int64_t missing = 0;
  std::uint64_t mark = 0;  ///< of numbers: the bits of what stands for what is missing
  std::string text_mark;
  std::int64_t longest = 0;               ///< bytes of the longest text, the mark among them
  std::vector<std::int64_t> text_starts;  ///< of each range, bytes of all texts before it, and last of all; no marks
};

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

  /// Calls `use(values, rows)` with the columns of a range: as they were kept, else parsed again. Throws Error (input)
  /// if the file is no longer what it was.
  template <class Use>
  void with_values(std::int64_t range, Use&& use) const {
    if (is_kept(range)) return use(kept_[static_cast<std::size_t>(range)]);
    thread_local Parsed parsed;
    // A caller that takes a range bit by bit parses it once.
    if (parsed.file != id_ || parsed.range != range) {
      parsed.file = 0;
      parse(range, parsed);
      parsed.file = id_;
      parsed.range = range;
    }
    use(parsed.values);
  }
  /// Rows `rows` of a column that is a number without missing values, as doubles; by any thread.
  void read_reals(std::size_t column, Slab rows, std::span<double> values) const;
  /// Records of a range by the reference parser, the wanted fields in order. `bytes` keeps what they are views of.
  [[nodiscard]] std::vector<std::vector<Field>> reference(std::int64_t range, std::vector<char>& bytes) const;
  [[nodiscard]] const Dialect& dialect() const { return layout_.dialect; }
  /// How the file was unpacked or converted before it was read; empty: it was not.
  [[nodiscard]] const std::string& origin() const { return source_.origin; }

 private:
  struct Parsed {
    std::uint64_t file = 0;  ///< and range, of what follows; 0: of none
    std::int64_t range = 0;
    std::vector<char> bytes;
    Workspace workspace;
    RangeFacts facts;
    RangeValues values;
  };
  void choose_range();
  void find_names(const std::vector<std::string>& header);
  void parse(std::int64_t range, Parsed& parsed) const;
  [[nodiscard]] bool is_kept(std::int64_t range) const;
  [[nodiscard]] std::string field_at(std::int64_t at) const;
  [[nodiscard]] RangeFacts lines_before_trouble(std::int64_t range, std::span<const char> bytes) const;
  /// `lines`: of each range, as lines_before_trouble() has them.
  [[nodiscard]] Error error_of(const RangeFacts& facts, std::span<const RangeFacts> lines) const;
  [[nodiscard]] std::vector<std::int64_t> ranges_of_unknown_length(const std::vector<RangeFacts>& all);
  void settle(const std::vector<RangeFacts>& all);

  static std::uint64_t next_id();

  std::uint64_t id_ = next_id();
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
  ValueMemory memory_;
  std::vector<RangeValues> kept_;  ///< of ranges scanned here, as far as there is room
  std::int64_t keep_bytes_ = 0;
};

}  // namespace paceline::table
