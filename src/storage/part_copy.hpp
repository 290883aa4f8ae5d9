// A complete file as the start of another run: FILE.part becomes a copy of FILE, which stays whole until it is
// replaced.
#pragma once

#include <filesystem>

namespace paceline {

/// Copies `file` to its FILE.part, which the caller has locked, and brings it to the disk. Throws Error: output when it
/// can't be written, input when `file` can't be read; then nothing is left at FILE.part.
void copy_to_part(const std::filesystem::path& file);

/// True of a FILE.part beside `file` that such a copy, or nobody yet, has filled: `file` is what counts. What is copied
/// last is its beginning.
bool is_unfinished_copy(const std::filesystem::path& file);

}  // namespace paceline
