#include "storage/part_copy.hpp"

#include <algorithm>
#include <fstream>
#include <vector>

#include <paceline/error.hpp>

#include "storage/byte_file.hpp"
#include "storage/output_path.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t copied_at_once = std::int64_t{1} << 20;
// HDF5 finds its signature there, or no file of its own.
constexpr std::int64_t beginning = 8;

void copy(const ByteFile& from, const ByteTarget& to, std::int64_t begin, std::int64_t end) {
  std::vector<char> bytes;
  for (auto at = begin; at < end; at += std::ssize(bytes)) {
    bytes.resize(static_cast<std::size_t>(std::min(copied_at_once, end - at)));
    from.read(at, bytes);
    to.write(at, bytes);
  }
}

}  // namespace

void copy_to_part(const fs::path& file) {
  try {
    const auto size = ByteFile::size_of(file);
    check_space(part_of(file), size);
    const ByteFile from(file);
    const ByteTarget to(part_of(file));
    to.resize(0);
    copy(from, to, std::min(beginning, size), size);
    // In this order on the disk too: a machine may fail as well as a process.
    to.sync();
    copy(from, to, 0, std::min(beginning, size));
    to.sync();
  } catch (const Error&) {
    std::error_code code;
    fs::remove(part_of(file), code);
    throw;
  }
}

bool is_unfinished_copy(const fs::path& file) {
  std::error_code code;
  if (!fs::is_regular_file(file, code) || !fs::is_regular_file(part_of(file), code)) return false;
  std::ifstream part(part_of(file), std::ios::binary);
  return part.is_open() && (part.peek() == std::ifstream::traits_type::eof() || part.peek() == 0);
}

}  // namespace paceline
