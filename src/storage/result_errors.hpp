// What users are told when a result file can't be written, or is not what it should be.
#pragma once

#include <filesystem>
#include <string>

#include <paceline/error.hpp>

namespace paceline {

/// Of kind output, with the reason that can be seen when `cause` keeps it to itself.
Error cannot_write_result(const std::filesystem::path& path, const Error& cause);
/// Of kind input.
Error damaged_result(const std::filesystem::path& path, const std::string& why);

}  // namespace paceline
