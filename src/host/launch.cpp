#include "host/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include <paceline/error.hpp>

namespace paceline {
namespace {

struct Names {
  const char* rank;
  const char* ranks;
  const char* ranks_here;
};

// A launcher's daemons may themselves have been started by one further down, whose variables the ranks inherit.
constexpr Names mpi_launchers[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"},
                                   {"PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"},
                                   {"PMIX_RANK", nullptr, nullptr}};

std::optional<int> number(const Variables& variables, const char* name) {
  const char* const text = name == nullptr ? nullptr : variables(name);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  int value = 0;
  const auto [end, code] = std::from_chars(digits.begin(), digits.end(), value);
  if (code != std::errc() || end != digits.end() || value < 0) return std::nullopt;
  return value;
}

/// A batch script has a SLURM_PROCID as well, but is no step of srun's.
std::optional<Launched> step(const Variables& variables) {
  const auto rank = number(variables, "SLURM_PROCID");
  const auto ranks = number(variables, "SLURM_STEP_NUM_TASKS");
  if (!rank || !ranks) return std::nullopt;
  const bool is_one_node = number(variables, "SLURM_STEP_NUM_NODES") == 1;
  return Launched{"SLURM_PROCID", *rank, ranks, is_one_node ? ranks : std::nullopt, true};
}

}  // namespace

std::optional<Launched> launched(const Variables& variables) {
  for (const auto& names : mpi_launchers) {
    const auto rank = number(variables, names.rank);
    if (!rank) continue;
    Launched here{names.rank, *rank, number(variables, names.ranks), number(variables, names.ranks_here), false};
    // PMIx has no variable for the size, but where srun speaks it, srun's own are of the same ranks.
    const char* const job = variables("PMIX_NAMESPACE");
    if (!here.ranks && job != nullptr && std::string_view(job).starts_with("slurm.")) {
      if (const auto same = step(variables)) {
        here.ranks = same->ranks;
        here.ranks_here = same->ranks_here;
      }
    }
    return here;
  }
  return step(variables);
}

std::optional<Launched> launched() { return launched(std::getenv); }

std::string options_that_bind(const std::optional<Launched>& here, int threads) {
  if (!here) return {};
  if (here->variable == "OMPI_COMM_WORLD_RANK")
    return fmt::format("mpirun --map-by slot:PE={} --bind-to core", threads);
  if (here->variable == "PMI_RANK") return fmt::format("mpirun -bind-to core:{}", threads);
  if (here->is_step) return fmt::format("srun --cpus-per-task={} --cpu-bind=cores", threads);
  return {};
}

std::optional<int> launched_threads(const Variables& variables) {
  const char* const text = variables("OMP_NUM_THREADS");
  if (text == nullptr) return std::nullopt;
  const auto threads = std::strtol(text, nullptr, 10);
  if (threads > most_threads) {
    throw Error(ErrorKind::usage, "OMP_NUM_THREADS makes no sense", fmt::format("it is {}", text),
                fmt::format("give 1 to {}", most_threads));
  }
  return threads > 0 ? std::optional(static_cast<int>(threads)) : std::nullopt;
}

std::optional<int> launched_threads() { return launched_threads(std::getenv); }

}  // namespace paceline
