// Ranks that go wrong on purpose, for sync_test.py: sync_faults FAULT RANKS_PER_NODE. Rank 1 says that it is ready and
// does it, or is killed from outside; the others wait for it in one call, and say what they are told.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include <paceline/sync.hpp>

namespace {

using namespace paceline;
using namespace std::chrono_literals;

void say(const std::string& sentence) {
  fmt::print("{}\n", sentence);
  std::fflush(stdout);
}

struct State {
  explicit State(const Domain& domain)
      : results(domain, "results"),
        other(domain, "other"),
        ready(domain, "ready"),
        never(domain, "never"),
        none(domain, 0, "none"),
        all(domain, 0, "all"),
        empty(domain, 2, "empty"),
        full(domain, 1, "full"),
        changed(domain, "changed") {}
  Mutex results, other;
  Event ready, never;
  Semaphore none;
  Barrier all;
  Queue<int> empty, full;
  Condition changed;
};

/// What the others wait in.
const std::map<std::string, std::function<void(State&)>> waits = {
    {"mutex", [](State& s) { s.results.lock(); }},
    {"timed-mutex", [](State& s) { say(s.results.try_lock_for(1h) ? "locked" : "timed out"); }},
    {"event", [](State& s) { s.never.wait(); }},
    {"semaphore", [](State& s) { s.none.acquire(); }},
    {"barrier", [](State& s) { s.all.arrive_and_wait(); }},
    {"pop", [](State& s) { static_cast<void>(s.empty.pop()); }},
    {"push", [](State& s) { s.full.push(2); }},
    {"condition",
     [](State& s) {
       std::unique_lock lock(s.other);
       s.changed.wait(lock, [] { return false; });
     }},
};

[[noreturn]] void wait(const std::string& call, State& state, int rank) {
  int code = 0;
  try {
    waits.at(call)(state);
    say(fmt::format("rank {}: went on", rank));
  } catch (const Error& error) {
    say(fmt::format("rank {}: {}", rank, error.what()));
    code = 1;
  }
  // The others are told too before the job ends.
  std::this_thread::sleep_for(2s);
  std::_Exit(code);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string fault = argv[1], call = argv[2];
  const MpiGuard mpi(argc, argv, ThreadLevel::multiple);
  const auto world = Comm::world();
  const int ranks_per_node = std::atoi(argv[3]);
  // Soon, since the test waits for it; a rank that is only slow must still not be taken for a dead one.
  const DomainOptions options{64, 2000ms};
  const Domain domain(world, *world.split(world.rank() / ranks_per_node), options);
  State state(domain);
  if (world.rank() == 0) state.full.push(1);
  world.barrier();
  const int culprit = fault == "home-killed" ? 0 : 1;
  if (world.rank() != culprit) {
    state.ready.wait();
    wait(call, state, world.rank());
  }
  state.results.lock();
  state.ready.set();
  std::this_thread::sleep_for(300ms);  // now they wait
  say("ready");
  if (fault == "exits") std::_Exit(0);
  if (fault == "finalises") MPI_Finalize();
  pause();
}
