#include "engine/watchdog.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "host/say.hpp"

namespace paceline {
namespace {

/// Of all threads of this process.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

Watchdog::Watchdog(const Comm& world, const NodeState& node_state, double limit_s)
    : world_(world), node_state_(node_state), limit_s_(limit_s), silence_(2 * node_state.node().size(), limit_s) {
  for (const auto& ranks : node_state.node().gather_all(std::vector<int>{world.rank()})) {
    ranks_.push_back(ranks.front());
  }
  counts_.resize(2 * ranks_.size());
  if (limit_s > 0) heartbeat_.emplace(world, node_state.node(), limit_s);
}

void Watchdog::look() {
  if (limit_s_ <= 0) return;
  look_at_own_work();
  look_at_ranks();
  look_at_node();
}

/// An item may take longer than the limit: who uses the processor computes.
void Watchdog::look_at_own_work() {
  if (since_work_.seconds() < 1) return;
  const auto used_s = cpu_seconds();
  // Naps of the writing thread use less (some 3 %).
  if (used_s - used_s_ > 0.1 * since_work_.lap()) node_state_.beat();
  used_s_ = used_s;
}

void Watchdog::look_at_sign(std::size_t sign, std::uint64_t count, bool is_expected) {
  if (count == counts_[sign] && is_expected) return;
  counts_[sign] = count;
  silence_.hear(static_cast<int>(sign));
}

void Watchdog::look_at_ranks() {
  node_state_.my_pulse().ticks.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    const auto& pulse = node_state_.pulse(static_cast<int>(i));
    look_at_sign(2 * i, pulse.beats.load(), pulse.at_work.load() != 0);
    look_at_sign(2 * i + 1, pulse.ticks.load(), pulse.on_watch.load() != 0);
  }
  silence_.look();
  for (std::size_t sign = 0; sign < counts_.size(); ++sign) {
    if (!silence_.is_silent(static_cast<int>(sign))) continue;
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    warn_and_abort(fmt::format("rank {} on {} made no progress for {:.0f} s (--watchdog {:g}); look at that node",
                               ranks_[sign / 2], host, silence_.silence_s(static_cast<int>(sign)), limit_s_));
  }
}

void Watchdog::look_at_node() {
  heartbeat_->beat();
  const auto silence_s = heartbeat_->silence_s();
  if (silence_s > limit_s_) {
    warn_and_abort(
        fmt::format("rank {} on {} gave no sign of life for {:.0f} s (its node is gone or not to be reached, "
                    "--watchdog {:g}); look at that node",
                    heartbeat_->watched_rank(), heartbeat_->watched_host(), silence_s, limit_s_));
  }
  if (!is_deafness_told_ && !heartbeat_->was_heard() && since_start_.seconds() > limit_s_) {
    is_deafness_told_ = true;
    note(fmt::format("no heartbeat comes from {} (UDP); if that node is lost, this one will not notice",
                     heartbeat_->watched_host()));
  }
}

/// Once a node; whoever comes later has nothing to add.
void Watchdog::warn_and_abort(const std::string& problem) {
  if (node_state_.shared().has_warned.exchange(1) != 0) return;
  complain(problem + ", then go on with --resume");
  // Should MPI be too stuck even for this, the alarm ends this process, and its launcher the others.
  alarm(5);
  world_.abort();
}

Watchdog::Thread::Thread(Watchdog& watchdog) : watchdog_(watchdog) {
  if (watchdog.limit_s_ <= 0) return;
  watchdog.node_state_.my_pulse().on_watch = 1;
  thread_ = std::jthread([&watchdog](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      watchdog.look();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    watchdog.heartbeat_->leave();
  });
}

Watchdog::Thread::~Thread() { watchdog_.node_state_.my_pulse().on_watch = 0; }

}  // namespace paceline
