// Progress on stderr: a bar on a terminal, a line each 10 % in a batch log, nothing when piped.
#pragma once

#include <cstdint>
#include <string>

#include "host/clock.hpp"

namespace paceline {

enum class ProgressMode { automatic, always, never };

class Progress {
 public:
  enum class Style { none, bar, lines };

  Progress(std::string name, std::int64_t items, Style style) : name_(std::move(name)), items_(items), style_(style) {}
  /// Ends the bar's line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap enough to be called all the time; prints a few times a second at the most.
  void show(std::int64_t done);

 private:
  void bar(double fraction);
  std::string name_;
  std::int64_t items_;
  Style style_;
  Stopwatch watch_;
  double next_s_ = 0.3;  ///< runs that are over before this show nothing
  int tenths_ = 0;
  bool drawn_ = false;
};

/// What the mode means here: mpirun gives its ranks a pipe for stderr, so a terminal is looked for behind it too.
Progress::Style progress_style(ProgressMode mode);

}  // namespace paceline
