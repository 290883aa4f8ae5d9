/// Preloaded into a program: calls that change a chosen file are counted, and one of them fails (fault.cpp). A
/// descriptor is known by what it refers to when it is used, so that duplicates and reopened files count as well.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "fault.hpp"

namespace {

using faults::Fate;

/// The function that would have been called.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

/// Of a file that need not be there.
std::string full_path(int folder, const char* path) {
  if (path[0] == '/') return path;
  char buffer[PATH_MAX];
  const auto link = folder == AT_FDCWD ? std::string("/proc/self/cwd") : "/proc/self/fd/" + std::to_string(folder);
  const auto size = readlink(link.c_str(), buffer, sizeof buffer);
  return std::string(buffer, size < 0 ? 0 : static_cast<std::size_t>(size)) + "/" + path;
}

std::string path_of(int descriptor) {
  char buffer[PATH_MAX];
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const int error = errno;
  const auto size = readlink(link.c_str(), buffer, sizeof buffer);
  errno = error;
  return {buffer, size < 0 ? 0 : static_cast<std::size_t>(size)};
}

/// A call without bytes: `act` does it. `nothing` is what it gives when it is lost.
template <class Act>
auto without_bytes(const char* call, const std::string& path, Act act, decltype(act()) nothing = 0) {
  if (!faults::is_chosen(path.c_str())) return act();
  const auto fate = faults::count(call, path.c_str());
  if (fate.kind == Fate::Kind::lose) return nothing;
  if (fate.kind == Fate::Kind::fail) {
    errno = fate.error;
    return decltype(act())(-1);
  }
  const auto result = act();
  if (fate.kind == Fate::Kind::half_and_kill) faults::die();
  return result;
}

std::size_t size_of(std::span<const iovec> pieces) {
  std::size_t bytes = 0;
  for (const auto& piece : pieces) bytes += piece.iov_len;
  return bytes;
}

std::vector<iovec> first_of(std::span<const iovec> pieces, std::size_t bytes) {
  std::vector<iovec> first;
  for (const auto& piece : pieces) {
    const auto size = std::min(bytes, piece.iov_len);
    if (size > 0) first.push_back({piece.iov_base, size});
    bytes -= size;
  }
  return first;
}

/// offset -1: where the descriptor stands.
ssize_t write_pieces(const char* call, int descriptor, std::span<const iovec> pieces, off_t offset) {
  static const auto at_end = next<ssize_t(int, const iovec*, int)>("writev");
  static const auto at_offset = next<ssize_t(int, const iovec*, int, off_t)>("pwritev");
  const auto put = [&](std::span<const iovec> some) {
    const auto count = static_cast<int>(some.size());
    return offset < 0 ? at_end(descriptor, some.data(), count) : at_offset(descriptor, some.data(), count, offset);
  };
  const auto path = path_of(descriptor);
  if (!faults::is_chosen(path.c_str())) return put(pieces);
  const auto bytes = size_of(pieces);
  const auto fate = faults::count(call, path.c_str(), bytes, offset);
  switch (fate.kind) {
    case Fate::Kind::pass: return put(pieces);
    case Fate::Kind::half:
      return put(bytes < 2 ? std::vector(pieces.begin(), pieces.end()) : first_of(pieces, bytes / 2));
    case Fate::Kind::half_and_kill: put(first_of(pieces, bytes / 2)); faults::die();
    case Fate::Kind::lose: return static_cast<ssize_t>(bytes);
    case Fate::Kind::fail: break;
  }
  errno = fate.error;
  return -1;
}

/// offset -1: where the descriptor stands.
ssize_t read_pieces(const char* call, int descriptor, std::span<const iovec> pieces, off_t offset) {
  static const auto here = next<ssize_t(int, const iovec*, int)>("readv");
  static const auto at_offset = next<ssize_t(int, const iovec*, int, off_t)>("preadv");
  const auto get = [&](std::span<const iovec> some) {
    const auto count = static_cast<int>(some.size());
    return offset < 0 ? here(descriptor, some.data(), count) : at_offset(descriptor, some.data(), count, offset);
  };
  const auto path = path_of(descriptor);
  if (!faults::is_chosen(path.c_str(), faults::Access::read)) return get(pieces);
  const auto bytes = size_of(pieces);
  const auto fate = faults::count(call, path.c_str(), bytes, offset);
  if (fate.kind == Fate::Kind::half_and_kill) faults::die();
  if (fate.kind == Fate::Kind::half && bytes > 1) return get(first_of(pieces, bytes / 2));
  if (fate.kind != Fate::Kind::fail) return get(pieces);
  errno = fate.error;
  return -1;
}

/// Descriptors of streams that are ours.
std::mutex streams_mutex;
std::map<FILE*, int> streams;

ssize_t cookie_read(void* cookie, char* data, std::size_t size) {
  return read(static_cast<int>(reinterpret_cast<std::intptr_t>(cookie)), data, size);
}

ssize_t cookie_write(void* cookie, const char* data, std::size_t size) {
  // A stream takes 0 for an error.
  return std::max(ssize_t{0}, write(static_cast<int>(reinterpret_cast<std::intptr_t>(cookie)), data, size));
}

int cookie_seek(void* cookie, off64_t* offset, int whence) {
  *offset = lseek(static_cast<int>(reinterpret_cast<std::intptr_t>(cookie)), *offset, whence);
  return *offset < 0 ? -1 : 0;
}

int cookie_close(void* cookie) { return close(static_cast<int>(reinterpret_cast<std::intptr_t>(cookie))); }

/// The C library's streams write by calls that can't be preloaded, so a chosen file gets a stream that writes by ours.
FILE* own_stream(int descriptor, const char* mode) {
  auto* stream = fopencookie(reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)), mode,
                             {cookie_read, cookie_write, cookie_seek, cookie_close});
  const std::lock_guard lock(streams_mutex);
  if (stream != nullptr) streams[stream] = descriptor;
  return stream;
}

int open_flags(const char* mode) {
  const bool is_both = std::string_view(mode).find('+') != std::string_view::npos;
  const int access = is_both ? O_RDWR : O_WRONLY;
  return access | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, std::size_t size) {
  const iovec piece{const_cast<void*>(data), size};
  return write_pieces("write", descriptor, {&piece, 1}, -1);
}

ssize_t pwrite(int descriptor, const void* data, std::size_t size, off_t offset) {
  const iovec piece{const_cast<void*>(data), size};
  return write_pieces("pwrite", descriptor, {&piece, 1}, offset);
}

ssize_t pwrite64(int descriptor, const void* data, std::size_t size, off64_t offset) {
  return pwrite(descriptor, data, size, offset);
}

ssize_t writev(int descriptor, const iovec* pieces, int count) {
  return write_pieces("writev", descriptor, {pieces, static_cast<std::size_t>(count)}, -1);
}

ssize_t pwritev(int descriptor, const iovec* pieces, int count, off_t offset) {
  return write_pieces("pwritev", descriptor, {pieces, static_cast<std::size_t>(count)}, offset);
}

ssize_t pwritev64(int descriptor, const iovec* pieces, int count, off64_t offset) {
  return pwritev(descriptor, pieces, count, offset);
}

ssize_t read(int descriptor, void* data, std::size_t size) {
  const iovec piece{data, size};
  return read_pieces("read", descriptor, {&piece, 1}, -1);
}

ssize_t pread(int descriptor, void* data, std::size_t size, off_t offset) {
  const iovec piece{data, size};
  return read_pieces("pread", descriptor, {&piece, 1}, offset);
}

ssize_t pread64(int descriptor, void* data, std::size_t size, off64_t offset) {
  return pread(descriptor, data, size, offset);
}

ssize_t readv(int descriptor, const iovec* pieces, int count) {
  return read_pieces("readv", descriptor, {pieces, static_cast<std::size_t>(count)}, -1);
}

ssize_t preadv(int descriptor, const iovec* pieces, int count, off_t offset) {
  return read_pieces("preadv", descriptor, {pieces, static_cast<std::size_t>(count)}, offset);
}

ssize_t preadv64(int descriptor, const iovec* pieces, int count, off64_t offset) {
  return preadv(descriptor, pieces, count, offset);
}

ssize_t sendfile(int to, int from, off_t* offset, std::size_t size) noexcept {
  static const auto real = next<ssize_t(int, int, off_t*, std::size_t)>("sendfile");
  return without_bytes(
      "sendfile", path_of(to), [&] { return real(to, from, offset, size); }, static_cast<ssize_t>(size));
}

ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size, unsigned flags) {
  static const auto real = next<ssize_t(int, off64_t*, int, off64_t*, std::size_t, unsigned)>("copy_file_range");
  return without_bytes(
      "copy_file_range", path_of(to), [&] { return real(from, from_at, to, to_at, size, flags); },
      static_cast<ssize_t>(size));
}

int ftruncate(int descriptor, off_t size) noexcept {
  static const auto real = next<int(int, off_t)>("ftruncate");
  return without_bytes("ftruncate", path_of(descriptor), [&] { return real(descriptor, size); });
}

int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }

int truncate(const char* path, off_t size) noexcept {
  static const auto real = next<int(const char*, off_t)>("truncate");
  return without_bytes("truncate", full_path(AT_FDCWD, path), [&] { return real(path, size); });
}

int fallocate(int descriptor, int mode, off_t offset, off_t size) {
  static const auto real = next<int(int, int, off_t, off_t)>("fallocate");
  return without_bytes("fallocate", path_of(descriptor), [&] { return real(descriptor, mode, offset, size); });
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t size) {
  return fallocate(descriptor, mode, offset, size);
}

/// Gives its error instead of setting errno.
int posix_fallocate(int descriptor, off_t offset, off_t size) {
  static const auto real = next<int(int, off_t, off_t)>("posix_fallocate");
  const int result =
      without_bytes("posix_fallocate", path_of(descriptor), [&] { return real(descriptor, offset, size); });
  return result < 0 ? errno : result;
}

int posix_fallocate64(int descriptor, off64_t offset, off64_t size) {
  return posix_fallocate(descriptor, offset, size);
}

int fsync(int descriptor) {
  static const auto real = next<int(int)>("fsync");
  return without_bytes("fsync", path_of(descriptor), [&] { return real(descriptor); });
}

int fdatasync(int descriptor) {
  static const auto real = next<int(int)>("fdatasync");
  return without_bytes("fdatasync", path_of(descriptor), [&] { return real(descriptor); });
}

int rename(const char* from, const char* to) noexcept {
  static const auto real = next<int(const char*, const char*)>("rename");
  return without_bytes("rename", full_path(AT_FDCWD, from), [&] { return real(from, to); });
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  static const auto real = next<int(int, const char*, int, const char*)>("renameat");
  return without_bytes("rename", full_path(from_folder, from), [&] { return real(from_folder, from, to_folder, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  static const auto real = next<int(int, const char*, int, const char*, unsigned)>("renameat2");
  return without_bytes("rename", full_path(from_folder, from),
                       [&] { return real(from_folder, from, to_folder, to, flags); });
}

int link(const char* from, const char* to) noexcept {
  static const auto real = next<int(const char*, const char*)>("link");
  return without_bytes("link", full_path(AT_FDCWD, to), [&] { return real(from, to); });
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  static const auto real = next<int(int, const char*, int, const char*, int)>("linkat");
  return without_bytes("link", full_path(to_folder, to), [&] { return real(from_folder, from, to_folder, to, flags); });
}

int unlink(const char* path) noexcept {
  static const auto real = next<int(const char*)>("unlink");
  return without_bytes("unlink", full_path(AT_FDCWD, path), [&] { return real(path); });
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  static const auto real = next<int(int, const char*, int)>("unlinkat");
  return without_bytes("unlink", full_path(folder, path), [&] { return real(folder, path, flags); });
}

int remove(const char* path) noexcept {
  static const auto real = next<int(const char*)>("remove");
  return without_bytes("unlink", full_path(AT_FDCWD, path), [&] { return real(path); });
}

int openat(int folder, const char* path, int flags, ...) {
  static const auto real = next<int(int, const char*, int, mode_t)>("openat");
  va_list more;
  va_start(more, flags);
  const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const mode_t mode = has_mode ? va_arg(more, mode_t) : 0;
  va_end(more);
  const auto act = [&] { return real(folder, path, flags, mode); };
  // A lost open would be a descriptor of nothing: it fails instead.
  return (flags & (O_CREAT | O_TRUNC)) != 0 ? without_bytes("open", full_path(folder, path), act, -1) : act();
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const mode_t mode = has_mode ? va_arg(more, mode_t) : 0;
  va_end(more);
  return openat(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const mode_t mode = has_mode ? va_arg(more, mode_t) : 0;
  va_end(more);
  return openat(AT_FDCWD, path, flags, mode);
}

int creat(const char* path, mode_t mode) { return openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int mkostemp(char* name, int flags) {
  static const auto real = next<int(char*, int)>("mkostemp");
  return without_bytes(
      "open", full_path(AT_FDCWD, name), [&] { return real(name, flags); }, -1);
}

int mkstemp(char* name) { return mkostemp(name, 0); }

int mkostemps(char* name, int suffix, int flags) {
  static const auto real = next<int(char*, int, int)>("mkostemps");
  return without_bytes(
      "open", full_path(AT_FDCWD, name), [&] { return real(name, suffix, flags); }, -1);
}

FILE* fopen(const char* path, const char* mode) {
  static const auto real = next<FILE*(const char*, const char*)>("fopen");
  if (mode[0] == 'r' || !faults::is_chosen(full_path(AT_FDCWD, path).c_str())) return real(path, mode);
  const int descriptor = openat(AT_FDCWD, path, open_flags(mode), 0666);
  return descriptor < 0 ? nullptr : own_stream(descriptor, mode);
}

FILE* fopen64(const char* path, const char* mode) { return fopen(path, mode); }

FILE* fdopen(int descriptor, const char* mode) noexcept {
  static const auto real = next<FILE*(int, const char*)>("fdopen");
  const bool is_ours = mode[0] != 'r' && faults::is_chosen(path_of(descriptor).c_str());
  return is_ours ? own_stream(descriptor, mode) : real(descriptor, mode);
}

int fileno(FILE* stream) noexcept {
  static const auto real = next<int(FILE*)>("fileno");
  const std::lock_guard lock(streams_mutex);
  const auto found = streams.find(stream);
  return found == streams.end() ? real(stream) : found->second;
}

int fclose(FILE* stream) {
  static const auto real = next<int(FILE*)>("fclose");
  {
    const std::lock_guard lock(streams_mutex);
    streams.erase(stream);
  }
  return real(stream);
}

}  // extern "C"
