// The tables of a study's file: rows of plain values, and how HDF5 sees them.
#pragma once

#include <cstdint>
#include <vector>

#include "storage/h5.hpp"
#include "study/sample.hpp"

namespace paceline {

inline constexpr const char* samples_path = "/study/samples";
inline constexpr const char* left_out_path = "/study/left_out";

/// An empty table of samples, and one of layouts that are left out, that can grow. Throws Error (failure).
void create_study_tables(hid_t file);
/// Rows of the table of samples or of the layouts left out. Throws Error (failure).
std::int64_t table_rows(hid_t file, const char* path);

/// Adds the rows that the file has fewer than `samples`. Throws Error (failure).
void extend_samples(hid_t file, const std::vector<Sample>& samples);
void extend_left_out(hid_t file, const std::vector<std::pair<Layout, std::string>>& left_out);

/// Throws Error (failure) when a column is missing or of another kind.
std::vector<Sample> read_samples(hid_t file);
std::vector<std::pair<Layout, std::string>> read_left_out(hid_t file);

}  // namespace paceline
