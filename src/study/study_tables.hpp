// A study <-> the groups and tables of its file.
#pragma once

#include "storage/table_file.hpp"
#include "study/sample.hpp"

namespace paceline {

inline constexpr const char* samples_path = "/study/samples";
inline constexpr const char* left_out_path = "/study/left_out";

TableFile file_of(const Study& study);

/// Throws Error (failure), with the reason alone, when a column is missing or a value is out of range.
Study study_of(const TableFile& file);

/// "ok", "failed", "timed_out", "no_time": the column `status`.
std::string to_string(SampleStatus status);

}  // namespace paceline
