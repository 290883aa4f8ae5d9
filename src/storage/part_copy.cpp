#include "storage/part_copy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <span>
#include <vector>

#include <paceline/error.hpp>

#include "storage/byte_file.hpp"
#include "storage/output_path.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t piece_bytes = std::int64_t{1} << 20;
// HDF5 finds its signature there, or no file of its own.
constexpr std::int64_t beginning = 8;

/// Written by system calls; closed on the way out.
class Target {
 public:
  explicit Target(fs::path path) : path_(std::move(path)), file_(open(path_.c_str(), O_WRONLY | O_CREAT, 0666)) {
    if (file_ < 0) fail();
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target() { close(file_); }

  void clear() const {
    if (ftruncate(file_, 0) != 0) fail();
  }
  void write(std::int64_t at, std::span<const char> bytes) const {
    while (!bytes.empty()) {
      const auto put = pwrite(file_, bytes.data(), bytes.size(), at);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail();
      at += put;
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
  }
  void sync() const {
    if (fsync(file_) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ExitCode::output, fmt::format("can't write {}", path_.string()), std::strerror(errno),
                "free space; what is there already is untouched");
  }

  fs::path path_;
  int file_;
};

void copy(const ByteFile& from, const Target& to, std::int64_t begin, std::int64_t end) {
  std::vector<char> bytes;
  for (auto at = begin; at < end; at += std::ssize(bytes)) {
    bytes.resize(static_cast<std::size_t>(std::min(piece_bytes, end - at)));
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
    const Target to(part_of(file));
    to.clear();
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
