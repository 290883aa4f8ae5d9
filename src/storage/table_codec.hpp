// TypedTable files <-> HDF5: what table_file.cpp writes and reads.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/table_file.hpp"

namespace paceline {

/// The bytes of an HDF5 file with this content. Throws Error (failure).
std::vector<std::byte> encoded(const TableFile& content);

/// What lies in these groups of an HDF5 file. May hang or crash in HDF5 on a damaged file: for read_in_child(). Throws
/// Error (failure) with the reason alone.
TableFile decoded(const std::filesystem::path& path, const std::vector<std::string>& groups);

}  // namespace paceline
