#include "run/watchdog.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace paceline {

Watchdog::Watchdog(const Comm& world, const Board& board, double limit_s)
    : world_(world), board_(board), limit_s_(limit_s) {
  for (const auto& ranks : board.node().gather_all(std::vector<int>{world.rank()})) {
    watched_.push_back({ranks.front(), 0, {}});
  }
}

void Watchdog::look() {
  if (limit_s_ <= 0) return;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    auto& [rank, beats, since] = watched_[i];
    const auto& pulse = board_.pulse(static_cast<int>(i));
    const auto now = pulse.beats.load(std::memory_order_relaxed);
    if (now != beats || pulse.at_work.load() == 0) {
      beats = now;
      since.lap();
    } else if (since.seconds() > limit_s_ && board_.shared().barked.exchange(1) == 0) {
      char host[256] = {};
      gethostname(host, sizeof host - 1);
      fmt::print(stderr,
                 "paceline: error: rank {} on {} made no progress for {:.0f} s (--watchdog {:g}); look at that node, "
                 "then go on with --resume\n",
                 rank, host, since.seconds(), limit_s_);
      std::fflush(stderr);
      world_.abort(ExitCode::failure);
    }
  }
}

}  // namespace paceline
