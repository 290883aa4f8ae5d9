// Outputs that are symbolic links: what they point to is written, aside and renamed, and the link stays.
#pragma once

#include <filesystem>

namespace paceline {

/// What `file` points to in the end, or itself where it is no link; that need not be there. Relative links count from
/// the folder they lie in. Throws Error (output) for links that lead in a circle.
std::filesystem::path behind_links(const std::filesystem::path& file);

}  // namespace paceline
