#include "storage/output_path.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <paceline/error.hpp>

#include "host/links.hpp"
#include "storage/part_copy.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

Error cannot(const fs::path& file, const std::string& why, const std::string& suggestion) {
  return {ErrorKind::output, fmt::format("can't write {}", file.string()), why, suggestion};
}

void check_folder(const fs::path& file) {
  const auto folder = folder_of(behind_links(file));
  std::error_code code;
  if (!fs::exists(folder, code)) {
    throw cannot(file, fmt::format("there is no folder {}", folder.string()), "create it or choose another place");
  }
  if (!fs::is_directory(folder, code)) {
    throw cannot(file, fmt::format("{} is not a folder", folder.string()), "choose another place");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw cannot(file, fmt::format("folder {}: {}", folder.string(), std::strerror(errno)), "choose another place");
  }
  if (fs::is_directory(file, code)) throw cannot(file, "it is a folder", "name a file");
  // A result is renamed over its name, which would put an end to /dev/null.
  if (fs::exists(file, code) && !fs::is_regular_file(file, code)) {
    throw cannot(file, "it is a device or a pipe", "name a file; without --output there is only the report");
  }
}

void sync(const fs::path& path, int flags) {
  const int file = open(path.c_str(), flags);
  if (file < 0) throw cannot(path, std::strerror(errno), "see that nobody removes it while a run is under way");
  const int code = fsync(file);
  const int error = errno;
  close(file);
  // Some file systems have no fsync for folders; that is no failure of the result.
  if (code != 0 && error != EINVAL) throw cannot(path, std::strerror(error), "free space or choose another place");
}

}  // namespace

fs::path beside(const fs::path& file, const std::string& suffix) { return behind_links(file).string() + suffix; }

fs::path part_of(const fs::path& file) { return beside(file, ".part"); }

Start check_output(const fs::path& file, Existing existing, std::int64_t bytes,
                   const std::function<bool()>& has_items) {
  check_folder(file);
  std::error_code code;
  const bool has_part = fs::exists(part_of(file), code) && !is_unfinished_copy(file);
  const auto part_status = fs::symlink_status(part_of(file), code);
  if (fs::exists(part_status) && !fs::is_regular_file(part_status)) {
    throw cannot(file, fmt::format("{} is in the way: it is not a regular file", part_of(file).string()),
                 "remove it, or choose another name");
  }
  if (existing == Existing::resume && has_part) {
    if (access(part_of(file).c_str(), R_OK | W_OK) != 0) {
      throw cannot(part_of(file), std::strerror(errno), "see that it is yours");
    }
    return Start::resume;
  }
  if (fs::exists(file, code)) {
    if (existing == Existing::resume) return Start::complete;
    if (existing == Existing::refuse) throw cannot(file, "it exists", "--force overwrites it");
  }
  if (has_part && existing == Existing::refuse && has_items()) {
    throw cannot(file, fmt::format("an interrupted run lies at {}", part_of(file).string()),
                 "--resume goes on, --force starts again");
  }
  check_space(file, bytes);
  return Start::fresh;
}

void check_drawn(const fs::path& file, Existing existing) {
  check_folder(file);
  std::error_code code;
  if (fs::exists(file, code) && existing != Existing::overwrite)
    throw cannot(file, "it exists", "--force overwrites it");
}

void check_space(const fs::path& file, std::int64_t bytes) {
  struct statvfs space {};
  if (statvfs(folder_of(behind_links(file)).c_str(), &space) == 0) {
    const auto free = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
    if (free < static_cast<double>(bytes)) {
      throw cannot(file,
                   fmt::format("it needs {}, {} are free", human_bytes(static_cast<double>(bytes)), human_bytes(free)),
                   "free space or choose another place");
    }
  }
  struct rlimit limit {};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      limit.rlim_cur < static_cast<rlim_t>(bytes)) {
    throw cannot(file,
                 fmt::format("it needs {}, the limit for a file is {}", human_bytes(static_cast<double>(bytes)),
                             human_bytes(static_cast<double>(limit.rlim_cur))),
                 "raise `ulimit -f`");
  }
}

void put_in_place(const fs::path& aside, const fs::path& file) {
  sync(aside, O_RDONLY);
  const auto place = behind_links(file);
  std::error_code code;
  fs::rename(aside, place, code);
  if (code) throw cannot(file, code.message(), fmt::format("the result is at {}", aside.string()));
  sync(folder_of(place), O_RDONLY | O_DIRECTORY);
}

Error cannot_write(const fs::path& file, const std::string& why, const std::string& suggestion) {
  struct statvfs space {};
  const bool is_full =
      statvfs(folder_of(behind_links(file)).c_str(), &space) == 0 && space.f_bavail * space.f_frsize < 65536;
  return cannot(file, is_full ? "no space left on the device" : why, suggestion);
}

std::string human_bytes(double bytes) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(units)) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} {}", bytes, units[unit]) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

}  // namespace paceline
