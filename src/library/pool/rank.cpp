#include "library/pool/rank.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "host/launch.hpp"

namespace paceline::detail {
namespace {

int threads_of(const PoolOptions& options) {
  if (options.threads > 0) return options.threads;
  if (const auto threads = launched_threads()) return *threads;
  cpu_set_t cores;
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? std::max(1, CPU_COUNT(&cores)) : 1;
}

void check(const PoolOptions& options) {
  const auto fail = [](const std::string& problem, double value) {
    return Error(ErrorKind::usage, problem, fmt::format("{} was given", value), "give a positive number of seconds");
  };
  if (!(options.silence_s > 0)) throw fail("PoolOptions::silence_s makes no sense", options.silence_s);
  if (!(options.task_s > 0)) throw fail("PoolOptions::task_s makes no sense", options.task_s);
  if (options.threads < 0 || options.threads > most_threads) {
    throw Error(ErrorKind::usage, "PoolOptions::threads makes no sense", fmt::format("{} was given", options.threads),
                fmt::format("give 1 to {}, or 0 for one per core", most_threads));
  }
}

void initialise(const PoolOptions& options) {
  if (!options.initialise) return;
  try {
    options.initialise();
  } catch (const std::exception& error) {
    throw Error(ErrorKind::failure, "PoolOptions::initialise failed", error.what());
  }
}

}  // namespace

Members introduce(const Comm& comm, const PoolOptions& options) {
  RankInfo me;
  collective(comm, [&] {
    check(options);
    me.threads = threads_of(options);
    int level = MPI_THREAD_SINGLE;
    check_mpi(MPI_Query_thread(&level), "MPI_Query_thread");
    if (comm.size() > 1 && level < MPI_THREAD_MULTIPLE) {
      throw Error(ErrorKind::failure, "a pool of several ranks needs MPI_THREAD_MULTIPLE",
                  "a thread of it calls MPI while others may", "make the MpiGuard with ThreadLevel::multiple");
    }
    initialise(options);
  });
  gethostname(me.host.data(), me.host.size() - 1);
  me.pid = getpid();
  me.tasks = tasks_digest();
  Members members{comm.duplicate(), options, {}};
  for (const auto& one : comm.gather_all(std::vector<RankInfo>{me})) members.ranks.push_back(one.front());
  const bool is_same = std::all_of(members.ranks.begin(), members.ranks.end(),
                                   [&](const RankInfo& one) { return one.tasks == members.ranks.front().tasks; });
  if (!is_same) {
    throw AgreedError(Error(ErrorKind::failure, "ranks of a pool know different tasks", "their programs differ",
                            "start the same program on all ranks"));
  }
  return members;
}

void or_end(const Members& members, const std::function<void()>& carry) {
  try {
    carry();
  } catch (const std::exception& error) {
    fmt::print(stderr, "paceline: error: rank {} of a pool can't go on ({}); start again\n", members.comm.rank(),
               error.what());
    end_job(members);
  }
}

void end_job(const Members& members) {
  std::fflush(stderr);
  // Should MPI be too stuck even for this, the alarm ends this process.
  alarm(5);
  members.comm.abort();
}

}  // namespace paceline::detail
