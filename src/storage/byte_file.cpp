#include "storage/byte_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <tuple>

#include <paceline/error.hpp>

#include "storage/read_errors.hpp"

namespace paceline {
namespace {

Error is_shorter(const std::filesystem::path& path) {
  return cannot_read(path.string(), "it has become shorter while it was read", "start again once nobody writes it");
}

}  // namespace

std::int64_t ByteFile::size_of(const std::filesystem::path& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) {
    throw cannot_read(path.string(), std::strerror(errno), "see that it is there and yours");
  }
  if (S_ISDIR(facts.st_mode)) throw cannot_read(path.string(), "it is a folder", "name a file");
  if (!S_ISREG(facts.st_mode)) {
    throw cannot_read(path.string(), "it is not a regular file",
                      "a pipe can't be read in ranges: save it to a file first");
  }
  if (access(path.c_str(), R_OK) != 0) throw cannot_read(path.string(), std::strerror(errno), "see that it is yours");
  return facts.st_size;
}

ByteFile::ByteFile(std::filesystem::path path)
    : path_(std::move(path)), file_(open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) throw cannot_read(path_.string(), std::strerror(errno), "see that it is there and yours");
}

ByteFile::~ByteFile() { close(file_); }

void ByteFile::read(std::int64_t at, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const auto got = pread(file_, bytes.data(), bytes.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw cannot_read(path_.string(), std::strerror(errno), "see that it is whole");
    if (got == 0) throw is_shorter(path_);
    at += got;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

ByteTarget::ByteTarget(std::filesystem::path path)
    : path_(std::move(path)),
      file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666)) {
  if (file_ < 0) fail();
}

ByteTarget::~ByteTarget() { close(file_); }

void ByteTarget::fail() const {
  throw Error(ErrorKind::output, fmt::format("can't write {}", path_.string()),
              errno == ELOOP ? "it is a symbolic link" : std::strerror(errno), "free space or choose another place");
}

void ByteTarget::resize(std::int64_t bytes) const {
  if (ftruncate(file_, bytes) != 0) fail();
}

void ByteTarget::write(std::int64_t at, std::span<const char> bytes) const {
  while (!bytes.empty()) {
    const auto put = pwrite(file_, bytes.data(), bytes.size(), at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail();
    at += put;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void ByteTarget::sync() const {
  if (fsync(file_) != 0) fail();
}

void ByteTarget::begin_sync() const {
  // Where a file system has no such call, sync() does all of it.
  std::ignore = sync_file_range(file_, 0, 0, SYNC_FILE_RANGE_WRITE);
}

SharedByteFile::SharedByteFile(const std::filesystem::path& path, const Comm& comm) : path_(path) {
  if (MPI_File_open(comm.handle(), path.c_str(), MPI_MODE_RDONLY, MPI_INFO_NULL, &file_) != MPI_SUCCESS) {
    throw cannot_read(path.string(), "MPI-IO can't open it", "see that every node has it");
  }
}

SharedByteFile::~SharedByteFile() {
  if (file_ != MPI_FILE_NULL) MPI_File_close(&file_);
}

void SharedByteFile::read(std::int64_t at, std::span<char> bytes) const {
  MPI_Status status;
  const int code = MPI_File_read_at_all(file_, at, bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, &status);
  if (code != MPI_SUCCESS) throw cannot_read(path_.string(), "MPI-IO failed", "see that it is whole");
  int count = 0;
  MPI_Get_count(&status, MPI_BYTE, &count);
  if (count != static_cast<int>(bytes.size())) throw is_shorter(path_);
}

}  // namespace paceline
