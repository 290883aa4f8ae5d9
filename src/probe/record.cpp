#include "probe/record.hpp"

#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace paceline::probe {
namespace {

/// Text of bounded length.
class Text {
 public:
  __attribute__((format(printf, 2, 3))) void add(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(text_ + size_, sizeof text_ - size_, format, arguments);
    va_end(arguments);
    if (length > 0) size_ += static_cast<std::size_t>(length);
    if (size_ >= sizeof text_) size_ = sizeof text_ - 1;
  }
  /// What would need an escape in JSON becomes a question mark.
  void add_plain(const char* name) {
    for (; *name != '\0'; ++name) {
      const bool is_plain = *name >= ' ' && *name < 127 && *name != '"' && *name != '\\';
      add("%c", is_plain ? *name : '?');
    }
  }
  [[nodiscard]] const char* data() const { return text_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  char text_[16384] = {};
  std::size_t size_ = 0;
};

constexpr int most_processors = 8192;
cpu_set_t processors[most_processors / CPU_SETSIZE];

/// Like "0-3,8".
void add_processors(Text& text) {
  const char* comma = "";
  for (int first = 0; first < most_processors; ++first) {
    if (!CPU_ISSET_S(first, sizeof processors, processors)) continue;
    int last = first;
    while (last + 1 < most_processors && CPU_ISSET_S(last + 1, sizeof processors, processors)) ++last;
    text.add(first == last ? "%s%d" : "%s%d-%d", comma, first, last);
    comma = ",";
    first = last;
  }
}

/// Libraries whose work the probe can't see.
struct Unseen {
  const char* file;  ///< how its name begins
  const char* name;
  bool is_loaded;
};
Unseen unseen[] = {{"libtbb.so", "TBB", false},
                   {"libcudart.so", "CUDA", false},
                   {"libamdhip64.so", "HIP", false},
                   {"libze_loader.so", "Level Zero", false}};

int look_at_library(dl_phdr_info* info, std::size_t, void*) {
  const char* slash = std::strrchr(info->dlpi_name, '/');
  const char* name = slash != nullptr ? slash + 1 : info->dlpi_name;
  for (auto& library : unseen) {
    if (std::strncmp(name, library.file, std::strlen(library.file)) == 0) library.is_loaded = true;
  }
  return 0;
}

/// glibc counts kilobytes.
long peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

void compose(Text& text, const Record& record, const char* host) {
  const auto ns = [&](Ticks ticks) {
    return static_cast<unsigned long long>(static_cast<double>(ticks) * record.ns_per_tick);
  };
  const auto boolean = [](bool value) { return value ? "true" : "false"; };
  const auto& totals = record.totals;
  text.add("{\"version\": 1, \"host\": \"");
  text.add_plain(host);
  text.add("\", \"program\": \"");
  text.add_plain(program_invocation_short_name);
  text.add("\", \"pid\": %d, \"rank\": %d, \"ranks\": %d, \"mpi\": %s, \"openmp\": %s, \"finalized\": %s,\n", getpid(),
           record.rank, record.ranks, boolean(record.uses_mpi), boolean(record.uses_openmp),
           boolean(record.is_finalized));
  text.add("\"threads\": %d, \"elapsed_ns\": %llu, \"useful_ns\": %llu, \"mpi_ns\": %llu, \"mpi_serial_ns\": %llu,\n",
           record.threads, ns(record.elapsed), ns(totals.useful), ns(totals.mpi), ns(totals.mpi_serial));
  text.add("\"imbalance_ns\": %llu, \"scheduling_ns\": %llu, \"regions\": %llu,\n", ns(totals.imbalance),
           ns(totals.scheduling), static_cast<unsigned long long>(totals.regions));
  text.add("\"cpu_ns\": %llu, \"max_rss_bytes\": %ld, \"cpus\": \"", static_cast<unsigned long long>(record.cpu_ns),
           peak_memory_bytes());
  add_processors(text);
  text.add("\",\n\"calls\": {");
  const char* const names[classes] = {"point_to_point", "collective", "one_sided", "io", "told"};
  for (int i = 0; i < classes; ++i) {
    const auto& calls = totals.by_class[i];
    text.add("%s\"%s\": {\"calls\": %llu, \"bytes\": %llu, \"ns\": %llu}", i > 0 ? ", " : "", names[i],
             static_cast<unsigned long long>(calls.calls), static_cast<unsigned long long>(calls.bytes),
             ns(calls.ticks));
  }
  text.add("},\n\"unseen\": [");
  dl_iterate_phdr(look_at_library, nullptr);
  const char* comma = "";
  for (const auto& library : unseen) {
    if (!library.is_loaded) continue;
    text.add("%s\"%s\"", comma, library.name);
    comma = ", ";
  }
  text.add("]}\n");
}

bool write_whole(int file, const Text& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto bytes = ::write(file, text.data() + done, text.size() - done);
    if (bytes < 0 && errno != EINTR) return false;
    if (bytes > 0) done += static_cast<std::size_t>(bytes);
  }
  return true;
}

}  // namespace

void note_processors() { sched_getaffinity(0, sizeof processors, processors); }

void write(const Record& record) {
  const char* folder = std::getenv("PACELINE_PROBE_DIR");
  if (folder == nullptr || *folder == '\0') return;
  const int error_before = errno;
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  static Text text;  // written once
  compose(text, record, host);
  // A process number is used again, by another program after exec and by other nodes.
  char path[4096], part[sizeof path + 8];
  std::snprintf(path, sizeof path, "%s/%s.%d.%llx.json", folder, host, getpid(),
                static_cast<unsigned long long>(nanoseconds(CLOCK_MONOTONIC)));
  std::snprintf(part, sizeof part, "%s.part", path);
  const int file = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  bool is_written = file >= 0 && write_whole(file, text);
  if (file >= 0 && close(file) != 0) is_written = false;
  if (!is_written || std::rename(part, path) != 0) {
    std::fprintf(stderr, "paceline: error: the probe can't write %s (%s); name another folder\n", part,
                 std::strerror(errno));
    if (file >= 0) unlink(part);
  }
  errno = error_before;
}

}  // namespace paceline::probe
