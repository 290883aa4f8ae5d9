// A program, run to its end or to the end of our patience, with all that it started.
#pragma once

#include <cstdint>
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
  /// Peak resident memory of each rank's largest process, as far as the launcher's children on this machine show it.
  /// Without ranks, of the largest process of all.
  std::vector<std::int64_t> rank_rss_bytes;
  bool has_ranks = false;

  [[nodiscard]] bool is_ok() const { return end == End::exited && code == 0; }
};

/// How long a program may take.
struct Patience {
  double timeout_s = 3600;
  double grace_s = 2;               ///< between being asked to end and being killed
  std::function<bool()> stop = {};  ///< true: it is asked to end now; looked at several times a second
};

/// Runs the program in a process group of its own with nothing on its standard input. When our patience is at its end
/// it is asked to end, and killed if it does not; whatever it has left behind is killed in any case, wherever it has
/// moved to, so that nothing of a run disturbs the next.
/// To be called from the thread that lives longest: when that ends, the program is asked to end.
/// Throws Error (usage) when the program can't be started.
ProcessResult run_process(const std::vector<std::string>& words, const Environment& environment,
                          const Patience& patience);

/// Where a shell would find the program; empty when it would not.
std::string find_program(const std::string& name);

}  // namespace paceline
