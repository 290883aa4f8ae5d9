// What is told of a file that is no CSV.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <paceline/error.hpp>

#include "workloads/table/column_info.hpp"
#include "workloads/table/records.hpp"
#include "workloads/workload.hpp"

namespace paceline::table {

/// The file that it is told of.
struct CsvContext {
  const std::filesystem::path& path;
  const Source& source;
  const Layout& layout;
  const std::vector<ColumnInfo>& columns;
};

/// The trouble of these facts, which is in that line, counted from 1.
Error error_of(const CsvContext& csv, const RangeFacts& facts, std::int64_t line);

}  // namespace paceline::table
