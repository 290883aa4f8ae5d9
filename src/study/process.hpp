// A program, run to its end or to the end of our patience, with all that it started.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace paceline {

/// Variables of the environment that are set for a program beside ours.
using Environment = std::vector<std::pair<std::string, std::string>>;

struct ProcessResult {
  enum class End { exited, killed, timed_out, stopped };
  End end = End::exited;
  int code = 0;       ///< exit code, or the signal that killed it
  double wall_s = 0;  ///< monotonic clock, from just before it is started until it ends
  std::string out;    ///< what it said; of very much, the last megabytes
  std::string err;

  [[nodiscard]] bool is_ok() const { return end == End::exited && code == 0; }
};

/// Runs the program in a process group of its own with nothing on its standard input. After `timeout_s`, or when
/// `stop` (looked at several times a second) says so, it is asked to end and two seconds later killed; whatever it has
/// left behind is killed in any case, wherever it has moved to, so that nothing of a run disturbs the next.
/// To be called from the thread that lives longest: when that ends, the program is asked to end.
/// Throws Error (usage) when the program can't be started.
ProcessResult run_process(const std::vector<std::string>& words, const Environment& environment, double timeout_s,
                          const std::function<bool()>& stop = {});

/// Where a shell would find the program; empty when it would not.
std::string find_program(const std::string& name);

}  // namespace paceline
