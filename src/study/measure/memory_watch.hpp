// How much memory the ranks of a run take: the peaks that the kernel keeps for each process below the launcher.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

namespace paceline {

/// Looks at a process and all that it started, from time to time. What ends between two looks is not seen, so the first
/// ones come soon.
class MemoryWatch {
 public:
  explicit MemoryWatch(pid_t root) : root_(root) {}
  void look();
  /// Seconds from a look until the next, after a run of `elapsed_s`: often at first, and never enough to disturb it.
  static double pause_s(double elapsed_s);

  /// A rank is what a launcher has given a number: Open MPI, PMIx, MPICH or Slurm.
  [[nodiscard]] bool has_ranks() const;
  /// Bytes of each rank's largest process; without ranks, of the largest process.
  [[nodiscard]] std::vector<std::int64_t> peaks() const;

 private:
  struct Seen {
    int rank = -1;
    std::int64_t peak_bytes = 0;
  };
  void look_at(pid_t pid, int depth);

  pid_t root_;
  std::map<pid_t, Seen> seen_;
};

}  // namespace paceline
