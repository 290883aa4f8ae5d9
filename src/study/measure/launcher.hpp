// How a program is started on ranks x threads: the launcher's own words for binding, and the environment for OpenMP.
#pragma once

#include <string>
#include <vector>

#include "study/measure/process.hpp"
#include "study/sample.hpp"

namespace paceline {

struct Launcher {
  enum class Kind { open_mpi, mpich, srun, custom };
  Kind kind = Kind::custom;
  std::string name;                         ///< mpirun, a path of it, srun, or the template as it was given
  std::string version;                      ///< what it says of itself; empty for a template
  std::vector<std::string> template_words;  ///< of a template
  int cpus_per_core = 1;                    ///< hardware threads: srun counts these

  /// The launcher starts the ranks; else one process is started, and what it starts is its own affair.
  [[nodiscard]] bool starts_ranks() const;
  /// Seconds it may take to end its ranks. Slurm itself waits for KillWait (30 s), and the next run waits for that.
  [[nodiscard]] double grace_s() const;
};

/// Does a layout have a core for each thread, or are they meant to share?
enum class Sharing { none, oversubscribed };

/// What `mpirun --version` says -> open_mpi or mpich. Throws Error (usage) for another.
Launcher::Kind mpirun_kind(const std::string& version);

/// `wish`: auto, mpirun, srun or a template with {command}. auto is srun inside a Slurm allocation that has it, else
/// mpirun: the one of the MPI that `program`, a file, is linked with. Throws Error (usage) when there is none, or for a
/// template with an unknown placeholder.
Launcher find_launcher(const std::string& wish, int cpus_per_core, const std::string& program);

/// The whole command line that starts `command` (its placeholders filled in here).
std::vector<std::string> launch_line(const Launcher& launcher, const Layout& layout, Sharing sharing,
                                     const std::vector<std::string>& command);

/// OMP_NUM_THREADS and binding, and what the launcher itself wants. `is_root`: Open MPI asks root twice.
Environment launch_environment(const Launcher& launcher, const Layout& layout, Sharing sharing, bool is_root);

}  // namespace paceline
