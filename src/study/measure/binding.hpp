// The binding gate: has each thread of a layout a core of its own?
//
// Before a layout counts, a probe is started in the program's place, with the same launcher, options and environment.
// Each of its processes opens an OpenMP region and tells on which cores the system lets each thread run. That proves
// what the launcher and the OpenMP runtime (of this build) do with a well-behaved program; it can't be seen what a
// program that is not ours does to its own threads afterwards, or how many of them it starts. Threads that may move
// pass as long as there are as many cores as threads for them: the gate finds those that must share, the mistake that
// halves a speed without a word.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/sample.hpp"

namespace paceline {

/// What one process of the probe tells.
struct ProbedProcess {
  std::string host;
  int rank = 0;  ///< as the launcher calls it
  int pid = 0;
  std::vector<std::vector<int>> cores;  ///< of each thread: cores it may run on
};

/// What the hidden command `paceline probe-binding` prints: a line of JSON a process.
void print_probe();

/// Lines of the probe among whatever else launchers print.
std::vector<ProbedProcess> parse_probe(const std::string& output);

/// What is wrong with the binding, for a user; nothing when each thread of each process can have a core of its own
/// (a matching of threads to cores exists: Hall's theorem), and there are `processes` of them with `threads` each.
std::optional<std::string> why_badly_bound(const std::vector<ProbedProcess>& found, int processes, int threads);

/// "0-3 8" -> 0 1 2 3 8 and back.
std::string ranges(const std::vector<int>& numbers);
std::vector<int> numbers_in(const std::string& ranges);

}  // namespace paceline
