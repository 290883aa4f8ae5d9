#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <system_error>
#include <thread>

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

#include "cli/documents.hpp"
#include "cli/parse.hpp"
#include "cli/plot.hpp"
#include "engine/fail.hpp"
#include "engine/info.hpp"
#include "engine/run.hpp"
#include "host/clock.hpp"
#include "host/exit_code.hpp"
#include "host/launch.hpp"
#include "host/mpi_environment.hpp"
#include "host/say.hpp"
#include "host/standard_output.hpp"
#include "storage/result_file.hpp"
#include "study/advise/fit_command.hpp"
#include "study/measure/binding.hpp"
#include "study/measure/study.hpp"
#include "study/merge.hpp"
#include "study/profile/profile.hpp"

namespace {

using namespace paceline;

/// Before MPI is started only the launcher's environment tells which rank this is.
bool is_first_by_environment() { return launched().value_or(Launched{}).rank == 0; }

ExitCode execute(const Command& command, const Comm& world, const Stopwatch& since_start) {
  try {
    if (command.kind == Command::Kind::run) return run(world, command.run, since_start);
    or_abort(world, [&] { print_info(world); });
    return ExitCode::done;
  } catch (const AgreedError& error) {
    if (world.rank() == 0) complain(error.what());
    return exit_code_of(error.kind());
  }
}

/// Each rank would do all of it, and write the same file.
void refuse_several_ranks() {
  const auto here = launched();
  if (!here) return;
  // Not every launcher tells how many there are, but a second rank is not alone.
  const int ranks = here->ranks.value_or(here->rank + 1);
  if (ranks <= 1) return;
  throw Error(ErrorKind::usage, "this command is for one process",
              fmt::format("it is rank {} of {} by {}", here->rank, ranks, here->variable),
              "start it without mpirun or srun");
}

ExitCode perform(int argc, char** argv, const Stopwatch& since_start) {
  const auto command = parse(argc, argv);
  if (command.kind == Command::Kind::text) {
    if (is_first_by_environment()) fmt::print("{}", command.text);
    return ExitCode::done;
  }
  using Kind = Command::Kind;
  if (command.kind == Kind::documents) {
    write_documents(command.documents, command_texts());
    return ExitCode::done;
  }
  if (command.kind == Kind::fit || command.kind == Kind::compare || command.kind == Kind::merge ||
      command.kind == Kind::plot || command.kind == Kind::import_times || command.kind == Kind::report ||
      command.kind == Kind::profile) {
    refuse_several_ranks();
  }
  if (command.kind == Kind::profile) return profile(command.profile);
  start_hdf5();
  if (command.kind == Kind::plot) plot(command.plot);
  if (command.kind == Kind::report) report(command.report);
  if (command.kind == Kind::import_times) return import_times(command.import_times);
  // A process inside MPI can't launch others: a study starts none.
  if (command.kind == Kind::study) return study(command.study);
  if (command.kind == Kind::fit) return fit(command.fit);
  if (command.kind == Kind::compare) return compare(command.compare);
  if (command.kind == Kind::merge) return merge(command.merge);
  if (command.kind == Kind::probe) {
    choose_mpi_components();
    const auto mpi =
        command.probe_starts_mpi ? std::make_unique<MpiGuard>(argc, argv, ThreadLevel::serialized) : nullptr;
    print_probe();
    return ExitCode::done;
  }
  choose_mpi_components();
  const MpiGuard mpi(argc, argv, ThreadLevel::serialized);
  return execute(command, Comm::world(), since_start);
}

}  // namespace

int main(int argc, char** argv) {
  const Stopwatch since_start;
  keep_standard_streams();
  try {
    const auto code = perform(argc, argv, since_start);
    // Another failure has been told already, and is the one that counts.
    if (code == ExitCode::done) finish_output();
    return static_cast<int>(code);
  } catch (const Error& error) {
    // A launcher ends the job with the first rank that fails: that should be the one that speaks.
    if (is_first_by_environment()) {
      complain(error.what());
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    return static_cast<int>(exit_code_of(error.kind()));
  } catch (const std::system_error& error) {
    // What {fmt} throws when it can't print.
    complain(fmt::format("can't write to standard output ({}); free space, or print to another place",
                         error.code().message()));
    return static_cast<int>(ExitCode::output);
  } catch (const std::exception& error) {
    complain(unexpected(error));
    return static_cast<int>(ExitCode::failure);
  }
}
