// The first record of a CSV file: how the file is written, and what its columns are called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "workloads/table/dialect.hpp"
#include "workloads/workload.hpp"

namespace paceline::table {

struct Header {
  Dialect dialect;                 ///< as asked for, its delimiter found where it was to be found
  std::vector<std::string> names;  ///< of each field; column_K without one, and suffixes where others have the same
  std::int64_t data_begin = 0;     ///< first byte of the records
};

/// `path` is for messages. Throws Error (input) for a file that has no header, or is no CSV.
Header read_header(const Source& source, const std::filesystem::path& path, const CsvOptions& options);

}  // namespace paceline::table
