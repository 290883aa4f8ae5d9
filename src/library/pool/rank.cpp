#include "library/pool/rank.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>

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
    return Error(ExitCode::usage, problem, fmt::format("{} was given", value), "give a positive number of seconds");
  };
  if (!(options.silence_s > 0)) throw fail("PoolOptions::silence_s makes no sense", options.silence_s);
  if (!(options.task_s > 0)) throw fail("PoolOptions::task_s makes no sense", options.task_s);
  if (options.threads < 0 || options.threads > most_threads) {
    throw Error(ExitCode::usage, "PoolOptions::threads makes no sense", fmt::format("{} was given", options.threads),
                fmt::format("give 1 to {}, or 0 for one a core", most_threads));
  }
}

}  // namespace

Crew muster(const Comm& comm, const PoolOptions& options) {
  Identity me;
  together(comm, [&] {
    check(options);
    me.threads = threads_of(options);
  });
  gethostname(me.host.data(), me.host.size() - 1);
  me.pid = getpid();
  me.tasks = tasks_digest();
  Crew crew{comm.duplicate(), options, {}};
  for (const auto& one : comm.gather_all(std::vector<Identity>{me})) crew.ranks.push_back(one.front());
  const bool is_same = std::all_of(crew.ranks.begin(), crew.ranks.end(),
                                   [&](const Identity& one) { return one.tasks == crew.ranks.front().tasks; });
  if (!is_same) {
    throw AgreedError(Error(ExitCode::failure, "ranks of a pool know different tasks", "their programs differ",
                            "start the same program on all ranks"));
  }
  return crew;
}

void or_end(const Crew& crew, const std::function<void()>& carry) {
  try {
    carry();
  } catch (const std::exception& error) {
    fmt::print(stderr, "paceline: error: rank {} of a pool can't go on ({}); start again\n", crew.comm.rank(),
               error.what());
    std::fflush(stderr);
    // Should MPI be too stuck even for this, the alarm ends this process.
    alarm(5);
    crew.comm.abort(ExitCode::failure);
  }
}

bool is_alive(std::int64_t pid) {
  if (kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return false;
  // A process that has ended but that nobody has asked about is still listed.
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(file, text)) return true;
  const auto name_end = text.rfind(") ");
  return name_end == std::string::npos || text[name_end + 2] != 'Z';
}

}  // namespace paceline::detail
