// What OpenMP makes of a process's processors: with OMP_PROC_BIND it binds the first thread to one place as the program
// is loaded, and programs that this thread starts would be bound with it.
#pragma once

#include <sched.h>

#include <cstddef>
#include <vector>

namespace paceline {

// That a system may have.
inline constexpr std::size_t most_processors = 16'384;

/// Of all places: those that the process was given, as far as OMP_PLACES doesn't narrow them. None where OpenMP binds
/// nothing.
std::vector<int> processors_of_places();

/// Moves an OpenMP thread to each of the processors, where OpenMP itself binds none, and lets it go on from there as
/// before. The kernel may start or wake threads on a processor that is busy with another, and leave them there for
/// milliseconds.
void spread_threads(const std::vector<int>& processors);

/// Gives a child what the process itself was given.
class Unbinding {
 public:
  Unbinding();
  /// In the child, of a fork too.
  void apply() const;

 private:
  bool is_needed_;
  cpu_set_t processors_[most_processors / CPU_SETSIZE];
};

}  // namespace paceline
