/// Which call fails, and how. All of it is told by the environment:
///   FAULT_FILES  pattern of the paths that count, as the shell's, with * for slashes too
///   FAULT_CALLS  read: calls that read a file count, and not those that change it
///   FAULT_LOG    this name and ".RANK" is a file that gets a line a counted call
///   FAULT_AT     number of the call, from 1 on; without it, calls are only counted
///   FAULT_RANK   the rank on which it fails (0)
///   FAULT_HOW    kill: before the call; half: after half of the bytes, or after a call without bytes;
///                short: half of the bytes are written and the call says so; lose: nothing is written, but told so;
///                ENOSPC, EIO: this call and all later ones fail; ENOSPC-once, EIO-once: this call alone fails
#include "fault.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace faults {
namespace {

std::string variable(const char* name, const char* otherwise = "") {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::string own_rank() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    if (const auto rank = variable(name); !rank.empty()) return rank;
  }
  return "0";
}

struct Settings {
  std::string files = variable("FAULT_FILES");
  Access access = variable("FAULT_CALLS") == "read" ? Access::read : Access::write;
  std::string how = variable("FAULT_HOW", "kill");
  std::string rank = own_rank();
  long at = std::atol(variable("FAULT_AT").c_str());
  bool is_here = rank == variable("FAULT_RANK", "0");
  int log = -1;

  Settings() {
    const auto name = variable("FAULT_LOG");
    if (name.empty()) return;
    // Not through the calls that are counted.
    const auto file = name + "." + rank;
    log =
        static_cast<int>(syscall(SYS_openat, AT_FDCWD, file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  }
};

const Settings& settings() {
  static const Settings all;
  return all;
}

std::atomic<long> calls{0};

void write_log(long number, const char* call, const char* path, std::size_t bytes, off_t offset) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  char line[512];
  const int size = std::snprintf(line, sizeof line, "%ld %ld.%09ld %d %s %s %zu@%lld\n", number, now.tv_sec,
                                 now.tv_nsec, getpid(), call, path, bytes, static_cast<long long>(offset));
  if (size > 0) syscall(SYS_write, settings().log, line, static_cast<std::size_t>(size));
}

/// Removing a name needs no space.
bool can_fail(std::string_view call, int error) { return error != ENOSPC || call != "unlink"; }

}  // namespace

bool is_chosen(const char* path, Access access) {
  const auto& files = settings().files;
  return access == settings().access && !files.empty() && fnmatch(files.c_str(), path, 0) == 0;
}

Fate count(const char* call, const char* path, std::size_t bytes, off_t offset) {
  const auto& all = settings();
  const auto number = ++calls;
  if (all.log >= 0) write_log(number, call, path, bytes, offset);
  if (!all.is_here || all.at <= 0 || number < all.at) return {};
  const bool is_first = number == all.at;
  if (all.how == "kill") die();
  if (all.how == "half") return {Fate::Kind::half_and_kill};
  if (all.how == "short") return {is_first ? Fate::Kind::half : Fate::Kind::pass};
  if (all.how == "lose") return {is_first ? Fate::Kind::lose : Fate::Kind::pass};
  const bool is_once = all.how.ends_with("-once");
  const int error = all.how.starts_with("EIO") ? EIO : ENOSPC;
  if ((is_once && !is_first) || !can_fail(call, error)) return {};
  return {Fate::Kind::fail, error};
}

void die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

}  // namespace faults
