#include "storage/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include <paceline/error.hpp>

namespace paceline {
namespace {

/// MPI-IO locks whole files on NFS, and would wait for us for ever.
bool is_on_nfs(int descriptor) {
  constexpr auto nfs_magic = 0x6969;
  struct statfs facts {};
  return fstatfs(descriptor, &facts) == 0 && facts.f_type == nfs_magic;
}

/// Far behind all data, of which MPI-IO may lock ranges. Of the open file, not of the process: no other close ends it.
bool try_lock(int descriptor) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = off_t{1} << 61;
  lock.l_len = 1;
  return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

/// Whether the file still has this name: its holder may just have renamed or removed it.
bool is_at(int descriptor, const std::filesystem::path& file) {
  struct stat here {};
  struct stat there {};
  return fstat(descriptor, &here) == 0 && stat(file.c_str(), &there) == 0 && here.st_ino == there.st_ino &&
         here.st_dev == there.st_dev;
}

}  // namespace

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  // Removed while it is locked: whoever waits for it sees that it is gone.
  std::error_code code;
  if (!removed_.empty() && is_at(descriptor_, removed_)) std::filesystem::remove(removed_, code);
  close(descriptor_);
}

void FileLock::take(const std::filesystem::path& file, const std::filesystem::path& result, const std::string& holder,
                    Missing missing, After after) {
  while (!is_held()) {
    const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | (missing == Missing::create ? O_CREAT : 0);
    const int descriptor = open(file.c_str(), flags, 0666);
    // Nothing there, or nothing that may be written: what is wrong with it is told by who writes it.
    if (descriptor < 0) return;
    const bool is_shared_by_mpi = after == After::keep;
    if (is_shared_by_mpi && is_on_nfs(descriptor)) {
      close(descriptor);
      return;
    }
    const bool is_locked = try_lock(descriptor);
    const bool is_refused = !is_locked && (errno == EAGAIN || errno == EACCES);
    if (is_locked && is_at(descriptor, file)) {
      descriptor_ = descriptor;
      if (after == After::remove) removed_ = file;
      return;
    }
    close(descriptor);
    if (is_refused) {
      throw Error(ErrorKind::output, fmt::format("can't write {}", result.string()), holder,
                  "wait for it, or give this one a file of its own");
    }
    if (!is_locked) {  // no locks here
      std::error_code code;
      if (after == After::remove) std::filesystem::remove(file, code);
      return;
    }
  }
}

}  // namespace paceline
