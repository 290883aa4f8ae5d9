// What OpenMP makes of a process's processors: with OMP_PROC_BIND it binds the first thread to one place as the program
// is loaded, and programs that this thread starts would be bound with it.
#pragma once

#include <sched.h>

#include <vector>

namespace paceline {

/// Of all places: those that the process was given, as far as OMP_PLACES doesn't narrow them. None where OpenMP binds
/// nothing.
std::vector<int> processors_of_places();

/// Gives a child what the process itself was given.
class Unbinding {
 public:
  Unbinding();
  /// In the child, of a fork too.
  void apply() const;

 private:
  bool is_needed_;
  cpu_set_t processors_[16];  // 16,384
};

}  // namespace paceline
