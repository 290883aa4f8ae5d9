#include "host/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "host/launch.hpp"

namespace paceline {
namespace {

bool is_terminal(const std::string& link) {
  char target[256] = {};
  const auto length = readlink(link.c_str(), target, sizeof target - 1);
  const std::string_view name(target, length > 0 ? static_cast<std::size_t>(length) : 0);
  return name.starts_with("/dev/pts/") || name.starts_with("/dev/tty");
}

bool stderr_is_terminal() {
  if (isatty(STDERR_FILENO) != 0) return true;
  return launched() && is_terminal(fmt::format("/proc/{}/fd/2", getppid()));
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

Progress::Style progress_style(ProgressMode mode) {
  if (mode == ProgressMode::never) return Progress::Style::none;
  if (stderr_is_terminal()) return Progress::Style::bar;
  const bool is_batch = std::getenv("SLURM_JOB_ID") != nullptr || std::getenv("PBS_JOBID") != nullptr;
  return is_batch || mode == ProgressMode::always ? Progress::Style::lines : Progress::Style::none;
}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\n");
}

void Progress::show(std::int64_t done) {
  if (style_ == Style::none || items_ == 0) return;
  const auto now = watch_.seconds();
  const auto fraction = std::min(1.0, static_cast<double>(done) / static_cast<double>(items_));
  if (style_ == Style::lines) {
    const int tenths = static_cast<int>(fraction * 10);
    if (tenths <= tenths_) return;
    tenths_ = tenths;
    fmt::print(stderr, "paceline: {}: {} % after {:.1f} s\n", name_, tenths * 10, now);
    std::fflush(stderr);
  } else if (now >= next_s_ || (drawn_ && fraction == 1.0)) {
    next_s_ = now + 0.2;
    bar(fraction);
  }
}

void Progress::bar(double fraction) {
  constexpr int width = 40;
  const int full = static_cast<int>(fraction * width);
  const auto left = fraction > 0 ? watch_.seconds() * (1 / fraction - 1) : 0.0;
  fmt::print(stderr, "\r{} [{:#<{}}{:.<{}}] {:3.0f} %  {} left ", name_, "", full, "", width - full, fraction * 100,
             duration(left));
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace paceline
