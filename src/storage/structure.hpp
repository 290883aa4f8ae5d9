// The structure of a result file: datasets, axes, image attributes, tables.
#pragma once

#include "storage/h5.hpp"
#include "storage/result_file.hpp"

namespace paceline {

inline constexpr const char* identity_path = "/run/identity";
inline constexpr const char* finished_flags_path = "/run/finished";
inline constexpr const char* item_digests_path = "/run/item_digest";
inline constexpr const char* origin_digests_path = "/run/origin_digest";

inline hsize_t unsigned_of(std::int64_t value) { return static_cast<hsize_t>(value); }

/// Everything that is there before an item is computed, but for the variable bytes: datasets with axes and attributes.
/// What data_paths() names has its place, and no content. Throws Error (failure).
void write_structure(hid_t file, const ResultShape& shape);
/// The dataset of the variable bytes, of so many. Throws Error (failure).
void write_variable_bytes(hid_t file, const VariableBytes& variable, std::int64_t bytes);
/// Datasets that a run writes, or finds and checks: all that does not follow from the shape.
std::vector<std::string> data_paths(const ResultShape& shape);

/// What is known when all is done. Throws Error (failure).
void write_tables(hid_t file, const RunTables& tables);
void write_reduced(hid_t file, const Reduced& reduced);

}  // namespace paceline
