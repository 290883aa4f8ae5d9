#include "run/watchdog.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace paceline {

Watchdog::Watchdog(const Comm& world, const Board& board, double limit_s)
    : world_(world), board_(board), limit_s_(limit_s) {
  for (const auto& ranks : board.node().gather_all(std::vector<int>{world.rank()})) {
    watched_.push_back({ranks.front(), {}, {}});
  }
}

double Watchdog::Sign::silence_s(std::uint64_t now, bool is_expected) {
  if (now != last || !is_expected) {
    last = now;
    since.lap();
    return 0;
  }
  return since.seconds();
}

void Watchdog::look() {
  if (limit_s_ <= 0) return;
  board_.my_pulse().ticks.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    auto& [rank, computing, living] = watched_[i];
    const auto& pulse = board_.pulse(static_cast<int>(i));
    const auto silence_s = std::max(computing.silence_s(pulse.beats.load(), pulse.at_work.load() != 0),
                                    living.silence_s(pulse.ticks.load(), pulse.on_watch.load() != 0));
    if (silence_s > limit_s_ && board_.shared().barked.exchange(1) == 0) {
      char host[256] = {};
      gethostname(host, sizeof host - 1);
      fmt::print(stderr,
                 "paceline: error: rank {} on {} made no progress for {:.0f} s (--watchdog {:g}); look at that node, "
                 "then go on with --resume\n",
                 rank, host, silence_s, limit_s_);
      std::fflush(stderr);
      // Should MPI be too stuck even for this, the alarm ends this process, and its launcher the others.
      alarm(5);
      world_.abort(ExitCode::failure);
    }
  }
}

Watchdog::Thread::Thread(Watchdog& watchdog) : watchdog_(watchdog) {
  if (watchdog.limit_s_ <= 0) return;
  watchdog.board_.my_pulse().on_watch = 1;
  thread_ = std::jthread([&watchdog](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      watchdog.look();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
}

Watchdog::Thread::~Thread() { watchdog_.board_.my_pulse().on_watch = 0; }

}  // namespace paceline
