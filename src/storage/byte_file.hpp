// A file as plain bytes: any part of a user's own by any thread, or parts by all ranks together; a file of ours,
// written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include <paceline/comm.hpp>

namespace paceline {

class ByteFile {
 public:
  /// Its size. Throws Error (input) when it is missing, unreadable, a folder, or no regular file.
  static std::int64_t size_of(const std::filesystem::path& path);

  /// Throws Error (input).
  explicit ByteFile(std::filesystem::path path);
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;
  ~ByteFile();

  /// Fills `bytes` from position `at` on. By any thread. Throws Error (input), also when the file ends before.
  void read(std::int64_t at, std::span<char> bytes) const;

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

/// A file of ours that is written at any place.
class ByteTarget {
 public:
  /// Made if it is not there; a link is refused. Members throw Error (output).
  explicit ByteTarget(std::filesystem::path path);
  ByteTarget(const ByteTarget&) = delete;
  ByteTarget& operator=(const ByteTarget&) = delete;
  ~ByteTarget();

  /// Cuts it, or lets it grow by zeros.
  void resize(std::int64_t bytes) const;
  void write(std::int64_t at, std::span<const char> bytes) const;
  /// Brings it to the disk.
  void sync() const;
  /// Starts to bring to the disk what any process of this node has written to it: a sync() that follows has little left
  /// to do. Waits only where the device has too much to write already.
  void begin_sync() const;

 private:
  [[noreturn]] void fail() const;

  std::filesystem::path path_;
  int file_ = -1;
};

/// The same file read by the ranks of a communicator together, by MPI-IO. Construction and destruction are collective.
class SharedByteFile {
 public:
  /// Throws Error (input), on all ranks if on one.
  SharedByteFile(const std::filesystem::path& path, const Comm& comm);
  SharedByteFile(const SharedByteFile&) = delete;
  SharedByteFile& operator=(const SharedByteFile&) = delete;
  ~SharedByteFile();

  /// Collective; each rank brings its own part, which may be empty, of less than 2^31 bytes. Throws Error (input),
  /// possibly on one rank alone, after having taken part.
  void read(std::int64_t at, std::span<char> bytes) const;

 private:
  std::filesystem::path path_;
  MPI_File file_ = MPI_FILE_NULL;
};

}  // namespace paceline
