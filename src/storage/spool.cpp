#include "storage/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include <paceline/error.hpp>

#include "host/clock.hpp"
#include "storage/read_errors.hpp"
#include "storage/text_stages.hpp"

namespace paceline {
namespace {

constexpr std::size_t spooled_at_once = std::size_t{1} << 18;
constexpr std::size_t longest_magic = 4;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > STDERR_FILENO) close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

  /// As many bytes as there are, up to all of them.
  std::size_t read(std::span<char> bytes, const std::string& name) const {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const auto got = ::read(number_, bytes.data() + filled, bytes.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw cannot_read(name, std::strerror(errno), "see that it is whole");
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

  void write(std::span<const char> bytes, const std::filesystem::path& path) const {
    while (!bytes.empty()) {
      const auto put = ::write(number_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        throw Error(ErrorKind::output, fmt::format("can't write {}", path.string()), std::strerror(errno),
                    "free space, or set TMPDIR to another place");
      }
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
  }

 private:
  int number_;
};

bool is_utf8(std::string encoding) {
  std::transform(encoding.begin(), encoding.end(), encoding.begin(),
                 [](unsigned char byte) { return std::tolower(byte); });
  return encoding.empty() || encoding == "utf-8" || encoding == "utf8";
}

std::filesystem::path scratch_template(const std::filesystem::path& folder) {
  const char* variable = std::getenv("TMPDIR");
  const std::filesystem::path usual = variable == nullptr || *variable == 0 ? "/tmp" : variable;
  return (folder.empty() ? usual : folder) / "paceline-XXXXXX";
}

}  // namespace

std::unique_ptr<Spool> Spool::of(const std::filesystem::path& source, const std::string& encoding,
                                 const std::filesystem::path& folder) {
  const bool is_input = source == "-";
  const auto name = is_input ? std::string("the standard input") : source.string();
  struct stat facts {};
  if (!is_input && stat(source.c_str(), &facts) != 0) {
    throw cannot_read(name, std::strerror(errno), "see that it is there and yours");
  }
  if (!is_input && S_ISDIR(facts.st_mode)) throw cannot_read(name, "it is a folder", "name a file");
  if (!is_input && !S_ISREG(facts.st_mode) && !S_ISFIFO(facts.st_mode)) {
    throw cannot_read(name, "it is a device or socket", "name a file or a pipe");
  }
  const Descriptor in(is_input ? STDIN_FILENO : open(source.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.number() < 0) throw cannot_read(name, std::strerror(errno), "see that it is there and yours");

  std::vector<char> bytes(spooled_at_once);
  const bool is_pipe = is_input || S_ISFIFO(facts.st_mode);
  auto filled = in.read(std::span(bytes).first(is_pipe ? spooled_at_once : longest_magic), name);
  const auto packing = packed_by(std::span(bytes).first(std::min(filled, longest_magic)));
  if (!is_pipe && packing.empty() && is_utf8(encoding)) return nullptr;

  std::vector<std::unique_ptr<TextStage>> stages;
  if (!packing.empty()) stages.push_back(make_unpacker(packing, name));
  if (!is_utf8(encoding)) stages.push_back(make_converter(encoding, name));

  std::unique_ptr<Spool> spool(new Spool);
  auto path = scratch_template(folder).string();
  const Descriptor out(mkostemp(path.data(), O_CLOEXEC));
  if (out.number() < 0) {
    throw Error(ErrorKind::output, fmt::format("can't write {}", path), std::strerror(errno),
                "set TMPDIR to a folder with room");
  }
  spool->path_ = path;
  const Stopwatch watch;
  std::int64_t written = 0;
  // Each stage hands on to the next one, the last one to the file.
  std::vector<TextStage::Sink> sinks(stages.size() + 1);
  sinks.back() = [&](std::span<const char> some) {
    out.write(some, spool->path_);
    written += std::ssize(some);
  };
  for (std::size_t k = stages.size(); k-- > 0;) {
    sinks[k] = [&stage = *stages[k], &next = sinks[k + 1]](std::span<const char> some) { stage.take(some, next); };
  }
  while (filled > 0) {
    sinks.front()(std::span<const char>(bytes).first(filled));
    filled = in.read(bytes, name);
  }
  for (std::size_t k = 0; k < stages.size(); ++k) stages[k]->finish(sinks[k + 1]);
  spool->origin_ = fmt::format("{} at {:.0f} MB/s",
                               !packing.empty()    ? "unpacked by " + packing
                               : is_utf8(encoding) ? std::string("spooled")
                                                   : "converted from " + encoding,
                               static_cast<double>(written) / 1e6 / std::max(1e-9, watch.seconds()));
  return spool;
}

Spool::~Spool() {
  if (!path_.empty()) unlink(path_.c_str());
}

}  // namespace paceline
