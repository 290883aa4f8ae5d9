// What the columns of a CSV file are, as a whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/table/records.hpp"

namespace paceline::table {

/// Names of the types that a user may give.
std::span<const std::string_view> type_names();
/// Type::any for any other name.
Type type_of(std::string_view name);
std::string_view name_of(Type type);

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

/// Each column is the widest of its ranges, all of whose facts these are. Throws Error (input) where no mark is left
/// for what is missing.
void settle_columns(std::vector<ColumnInfo>& columns, const std::vector<RangeFacts>& all,
                    const std::filesystem::path& path);

}  // namespace paceline::table
