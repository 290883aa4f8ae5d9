#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

#include "cli/parse.hpp"
#include "cli/plot.hpp"
#include "run/clock.hpp"
#include "run/fail.hpp"
#include "run/info.hpp"
#include "run/run.hpp"
#include "storage/result_file.hpp"
#include "study/binding.hpp"
#include "study/fit_command.hpp"
#include "study/merge.hpp"
#include "study/study.hpp"

namespace {

using namespace paceline;

/// Before MPI is started only the launcher's environment tells which rank this is.
bool is_first_by_environment() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    if (const char* rank = std::getenv(name)) return std::atoi(rank) == 0;
  }
  return true;
}

ExitCode execute(const Command& command, const Comm& world, const Stopwatch& since_start) {
  try {
    if (command.kind == Command::Kind::run) return run(world, command.run, since_start);
    or_abort(world, [&] { print_info(world); });
    return ExitCode::done;
  } catch (const AgreedError& error) {
    if (world.rank() == 0) complain(error.what());
    return error.code();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Stopwatch since_start;
  try {
    const auto command = parse(argc, argv);
    if (command.kind == Command::Kind::text) {
      if (is_first_by_environment()) fmt::print("{}", command.text);
      return 0;
    }
    if (command.kind == Command::Kind::plot) plot(command.plot);
    start_hdf5();
    // A process inside MPI can't launch others: a study starts none.
    if (command.kind == Command::Kind::study) return static_cast<int>(study(command.study));
    if (command.kind == Command::Kind::fit) return static_cast<int>(fit(command.fit));
    if (command.kind == Command::Kind::compare) return static_cast<int>(compare(command.compare));
    if (command.kind == Command::Kind::merge) return static_cast<int>(merge(command.merge));
    if (command.kind == Command::Kind::probe) {
      const auto mpi = command.probe_starts_mpi ? std::make_unique<MpiGuard>(argc, argv) : nullptr;
      print_probe();
      return 0;
    }
    const MpiGuard mpi(argc, argv);
    return static_cast<int>(execute(command, Comm::world(), since_start));
  } catch (const Error& error) {
    // A launcher ends the job with the first rank that fails: that should be the one that speaks.
    if (is_first_by_environment()) {
      complain(error.what());
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    complain(error.what());
    return static_cast<int>(ExitCode::failure);
  }
}
