// A program with a pool and shared state for network/library_test.py: what is to go on while networks and nodes are
// slow, silent or out of reach.
#include <fmt/format.h>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>

#include <paceline/pool.hpp>
#include <paceline/sync.hpp>

namespace {

using namespace paceline;
using namespace std::chrono_literals;

int sleeps(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return Comm::world().rank();
}
std::string block(std::int64_t bytes) { return std::string(static_cast<std::size_t>(bytes), 'x'); }

void say(const std::string& text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

/// Tasks for some seconds; says how many were lost, and where.
void run_for(Pool& pool, std::chrono::seconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  int done = 0, lost = 0;
  std::string why;
  bool is_told = false;
  while (std::chrono::steady_clock::now() < end) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 30; ++i) futures.push_back(pool.submit<sleeps>(20));
    for (auto& future : as_completed(futures)) {
      try {
        future.get();
        ++done;
      } catch (const TaskError& error) {
        if (lost++ == 0) why = error.what();
      }
    }
    if (!is_told) say("running");
    is_told = true;
  }
  say(fmt::format("done {}, lost {} {}", done > 0 ? "many" : "none", lost > 0 ? "some" : "none", why));
  say(fmt::format("then {}", pool.map<sleeps>(std::vector<int>(10, 1)).size()));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const MpiGuard mpi(argc, argv);
  const auto world = Comm::world();
  if (what == "sync") {
    Mutex mutex(world, "accounts");
    Value<std::int64_t> total(world);
    Queue<std::string> texts(world, QueueRoom{.bytes = 1 << 20});
    for (int i = 0; i < 50; ++i) {
      const std::scoped_lock lock(mutex);
      total.store(total.load() + 1);
    }
    texts.push(std::string(static_cast<std::size_t>(world.rank()) * 1000, 'x'));
    world.barrier();
    if (world.rank() == 0) {
      std::size_t bytes = 0;
      for (int i = 0; i < world.size(); ++i) bytes += texts.pop()->size();
      say(fmt::format("total {}, bytes {}", total.load(), bytes));
    }
    world.barrier();
    return 0;
  }
  if (what == "hold") {
    // All wait for a lock while the job is suspended.
    const Domain domain(world, DomainOptions{.silence = 2s});
    Mutex mutex(domain, "held");
    if (world.rank() == 0) mutex.lock();
    world.barrier();
    if (world.rank() == 0) {
      say("running");
      std::this_thread::sleep_for(8s);
      mutex.unlock();
    } else {
      const std::scoped_lock lock(mutex);
    }
    world.barrier();
    if (world.rank() == 0) say("all had it");
    return 0;
  }
  Pool pool(world, {.threads = 1, .silence_s = 2, .task_s = 60});
  if (!pool.is_driver()) return 0;
  if (what == "tasks") run_for(pool, std::chrono::seconds(argc > 2 ? std::stoi(argv[2]) : 5));
  if (what == "blocks") {
    say("running");
    std::int64_t bytes = 0;
    for (const auto& text : pool.imap_unordered<block>(std::vector<std::int64_t>(3, std::stoll(argv[2])))) {
      bytes += std::ssize(text);
    }
    say(fmt::format("bytes {}", bytes));
  }
}
