// What a launcher tells a process in its environment: before MPI is started, and where it never is.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace paceline {

/// A rank as its launcher counts it.
struct Launched {
  std::string variable;  ///< that tells the rank
  int rank = 0;
  std::optional<int> ranks;       ///< of the job, where the launcher tells
  std::optional<int> ranks_here;  ///< of them on this node, likewise
  bool is_step = false;           ///< of Slurm and no MPI's: a shell of `srun --pty` is one, too

  /// All ranks are on this node, as far as the launcher tells.
  [[nodiscard]] bool is_one_node() const { return ranks && (ranks == 1 || ranks == ranks_here); }
};

/// As getenv() does: null without the variable.
using Variables = std::function<const char*(const char* name)>;

/// By the variables of Open MPI's mpirun, of PMI (MPICH's Hydra, srun --mpi=pmi2), of PMIx and of srun itself. Nothing
/// for a process that was started alone; the script of a batch job is such a one.
std::optional<Launched> launched(const Variables& variables);
std::optional<Launched> launched();

/// The launcher's options that give each rank cores of its own, one a thread; empty where it is not known.
std::string options_that_bind(const std::optional<Launched>& here, int threads);

/// More in one process is a slip, and OpenMP would crash.
constexpr int most_threads = 4096;

/// The first number of OMP_NUM_THREADS: those after it are for nested regions. Nothing where there is none above 0.
/// Throws Error (usage) above most_threads.
std::optional<int> launched_threads(const Variables& variables);
std::optional<int> launched_threads();

}  // namespace paceline
