// For programs that wait for other ranks outside of MPI calls: a thread that polls and sleeps between two looks, or one
// that joins the thread that communicates. `paceline profile` can't see that such a thread waits, unless it is told.
#pragma once

#include <dlfcn.h>

namespace paceline {

namespace detail {
struct ProbeCalls {
  using Call = void (*)();
  Call begin = reinterpret_cast<Call>(dlsym(RTLD_DEFAULT, "paceline_probe_begin_wait"));
  Call end = reinterpret_cast<Call>(dlsym(RTLD_DEFAULT, "paceline_probe_end_wait"));
};
}  // namespace detail

/// While it lives, its thread counts as waiting in MPI, if the probe is loaded. Costs a look at a pointer if it is not.
/// One within another, or within an MPI call, changes nothing.
class ProbedWait {
 public:
  ProbedWait() {
    if (calls().begin != nullptr) calls().begin();
  }
  ~ProbedWait() {
    if (calls().end != nullptr) calls().end();
  }
  ProbedWait(const ProbedWait&) = delete;
  ProbedWait& operator=(const ProbedWait&) = delete;

 private:
  static const detail::ProbeCalls& calls() {
    static const detail::ProbeCalls found;
    return found;
  }
};

}  // namespace paceline
