// How groups go from rank 0 to other ranks, and what comes back of them.
#include <algorithm>
#include <limits>

#include "library/pool/driver.hpp"

namespace paceline::detail {
namespace {

// A rank has so much work ahead that it does not run dry between two looks of the progress threads, which may have to
// wait a few time slices for a core that computes.
constexpr double ahead_s = 5e-3;
constexpr std::size_t most_groups_away = 8192;
constexpr std::size_t most_bytes_unsent = std::size_t{256} << 20;
// Groups are asked back, while others are idle, from a rank that has more work than this, or has been at one for
// longer.
constexpr double patience_s = 2e-3;

}  // namespace

double Driver::work_away_s(const Follower& follower) const {
  double work_s = 0;
  for (const auto& [function, tasks] : follower.tasks_away) {
    if (tasks == 0) continue;
    const auto mean_s = times_.mean_s(function);
    if (mean_s < 0) return std::numeric_limits<double>::infinity();
    work_s += static_cast<double>(tasks) * mean_s;
  }
  return work_s;
}

bool Driver::wants_more(const Follower& follower) const {
  if (follower.is_lost || follower.has_left || follower.away.size() >= most_groups_away) return false;
  const auto threads = info(follower).threads;
  if (follower.away.size() <= static_cast<std::size_t>(threads)) return true;
  return work_away_s(follower) < ahead_s * threads;
}

bool Driver::hand_out() {
  if (stopping_ || messages_.unsent_bytes() > most_bytes_unsent) return false;
  bool is_any = false;
  for (std::size_t k = 0; k < followers_.size(); ++k) {
    // No more than a fair share, so that this rank's own threads and the ranks that come later find something. What
    // own threads are free for is theirs: they are the nearest.
    const auto own_free = static_cast<std::size_t>(std::max(0, team_->size() - team_->busy()));
    const auto waiting = queue_.size();
    if (waiting <= own_free) break;
    auto& follower = followers_[next_follower_++ % followers_.size()];
    const auto threads = static_cast<std::size_t>(info(follower).threads);
    const auto all = static_cast<std::size_t>(workers_);
    is_any |= send_groups(follower, ((waiting - own_free) * threads + all - 1) / all);
  }
  return is_any;
}

void Driver::send_away(Follower& follower, Batch& batch, Group group) {
  if (follower.away.empty()) follower.last_outcome = Clock::now();
  follower.tasks_away[group.function] += group.count;
  follower.away.emplace(group.id, Away{std::move(group.ticket), group.function, group.first, group.count});
  add_group(batch, std::move(group));
}

bool Driver::send_groups(Follower& follower, std::size_t most) {
  Batch batch;
  for (std::size_t k = 0; k < most && wants_more(follower); ++k) {
    auto group = take();
    if (!group) break;
    send_away(follower, batch, std::move(*group));
  }
  if (batch.is_empty()) return false;
  follower.is_worth_asking = true;
  batch.send(messages_, follower.rank, Kind::tasks);
  return true;
}

bool Driver::send_pinned() {
  std::vector<Group> groups;
  {
    const std::lock_guard lock(pinned_mutex_);
    groups.swap(pinned_);
  }
  for (auto& group : groups) {
    auto& follower = followers_[static_cast<std::size_t>(group.rank - 1)];
    if (stopping_ || !group.ticket->begin()) {
      cancel(group);
    } else if (follower.is_lost) {
      auto outcome = all_failed(group.first, group.count, TaskFailure::rank_lost, "it was lost before");
      outcome.rank = follower.rank;
      outcome.host = info(follower).host_name();
      settle(*group.ticket, std::move(outcome));
    } else {
      Batch batch;
      send_away(follower, batch, std::move(group));
      batch.send(messages_, follower.rank, Kind::tasks);
    }
  }
  return !groups.empty();
}

void Driver::remove_away(Follower& follower, const Away& away, std::int64_t tasks) {
  follower.tasks_away[away.function] -= tasks;
}

void Driver::read_outcomes(Follower& follower, Message& message) {
  follower.last_outcome = Clock::now();
  for (ByteReader reader(message.head); reader.left() > 0;) {
    auto [id, outcome] = read_report(reader, message);
    outcome.rank = follower.rank;
    if (!outcome.failures.empty()) outcome.host = info(follower).host_name();
    const auto found = follower.away.find(id);
    auto& away = found->second;
    times_.add(away.function, outcome);
    remove_away(follower, away, outcome.count);
    const auto ticket = away.ticket;
    away.first += outcome.count;
    away.count -= outcome.count;
    if (away.count == 0) follower.away.erase(found);
    settle(*ticket, std::move(outcome));
  }
}

void Driver::read_returned(Follower& follower, Message& message) {
  follower.is_asked = false;
  follower.is_worth_asking = message.head.size() + message.body.size() > 0;
  std::vector<Group> groups;
  for (ByteReader reader(message.head); reader.left() > 0;) {
    auto group = read_group(reader, message);
    const auto found = follower.away.find(group.id);
    group.ticket = found->second.ticket;
    remove_away(follower, found->second, group.count);
    follower.away.erase(found);
    group.ticket->take_back();
    groups.push_back(std::move(group));
  }
  if (stopping_) {
    for (auto& group : groups) cancel(group);
  } else {
    queue_.push_front(std::move(groups));
  }
}

void Driver::recall() {
  if (queue_.size() > 0) return;
  const auto is_idle = [](const Follower& follower) { return !follower.is_lost && follower.away.empty(); };
  if (team_->is_full() && std::none_of(followers_.begin(), followers_.end(), is_idle)) return;
  for (auto& follower : followers_) {
    const auto threads = info(follower).threads;
    if (follower.is_lost || follower.is_asked || !follower.is_worth_asking) continue;
    if (follower.away.size() <= static_cast<std::size_t>(threads)) continue;
    const bool has_plenty = work_away_s(follower) > patience_s * threads;
    if (!has_plenty && seconds_since(follower.last_outcome) < patience_s) continue;
    follower.is_asked = true;
    messages_.send(follower.rank, static_cast<int>(Kind::recall));
    return;
  }
}

void Driver::terminate_away() {
  const auto terminations = Ticket::terminations();
  if (terminations == terminations_seen_) return;
  terminations_seen_ = terminations;
  for (auto& follower : followers_) {
    for (auto& [id, away] : follower.away) {
      if (away.is_terminated || !away.ticket->is_terminated()) continue;
      away.is_terminated = true;
      ByteWriter message;
      write_value(message, id);
      messages_.send(follower.rank, static_cast<int>(Kind::terminate), message.take());
    }
  }
}

}  // namespace paceline::detail
