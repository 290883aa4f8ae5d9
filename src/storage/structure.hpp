// The structure of a result file: datasets, axes, image attributes, tables. Written by one process alone, before and
// after ranks write data.
#pragma once

#include "storage/h5.hpp"
#include "storage/result_file.hpp"

namespace paceline {

inline constexpr const char* finished_flags_path = "/run/finished";
inline constexpr const char* item_digests_path = "/run/item_digest";

inline hsize_t unsigned_of(std::int64_t value) { return static_cast<hsize_t>(value); }

/// Everything that is there before an item is computed: the items' dataset with its axes and attributes, no digests, no
/// flags. Throws Error (failure).
void write_structure(hid_t file, const ResultShape& shape, const Provenance& provenance);
/// What is known when all is done; replaces what an interrupted run may have left. Throws Error (failure).
void write_tables(hid_t file, const RunTables& tables);
/// The scalar dataset value.path; replaces an earlier one. Throws Error (failure).
void write_value(hid_t file, const Conclusion& value);

}  // namespace paceline
