#include "library/pool/driver.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "library/pool/messages.hpp"

namespace paceline::detail {
namespace {

using namespace std::chrono_literals;

// A rank has so much work ahead that it does not run dry between two looks of the progress threads, which may have to
// wait a few time slices for a core that computes.
constexpr double ahead_s = 5e-3;
constexpr std::size_t most_groups_away = 8192;
constexpr std::size_t most_bytes_unsent = std::size_t{256} << 20;
// Groups are asked back, while others are idle, from a rank that has more work than this, or has been at one for
// longer.
constexpr double patience_s = 2e-3;

}  // namespace

Driver::Driver(Crew crew) : crew_(std::move(crew)), messages_(crew_.comm) {
  for (const auto& one : crew_.ranks) workers_ += one.threads;
  for (int rank = 1; rank < crew_.comm.size(); ++rank) {
    auto& follower = followers_.emplace_back();
    follower.rank = rank;
    const auto& identity = crew_.ranks[static_cast<std::size_t>(rank)];
    follower.is_near = identity.host == crew_.me().host && is_alive(identity.pid);
  }
  const auto settle = [](Group& group, Outcome outcome) { group.ticket->settle(std::move(outcome)); };
  const auto give_back = [this](Group rest) {
    std::vector<Group> groups;
    groups.push_back(std::move(rest));
    queue_.push_front(std::move(groups));
  };
  team_ = std::make_unique<Team>(crew_.me().threads, queue_, Team::Duty{[this] { return take(); }, settle, give_back},
                                 0, crew_.me().host_name(), crew_.options.task_s);
  progress_ = std::thread([this] { or_end(crew_, [this] { carry(); }); });
}

Driver::~Driver() {
  stopping_ = true;
  queue_.wake();
  progress_.join();
  team_.reset();
  for (const auto& follower : followers_) {
    if (follower.is_lost) leave_unfinalised();
  }
}

void Driver::post(Group group) {
  if (stopping_) throw Error(ExitCode::failure, "a task came too late", "its pool is being destroyed");
  group.id = next_id_.fetch_add(1, std::memory_order_relaxed);
  queue_.push(std::move(group));
}

void Driver::cancel(Group& group) {
  Outcome outcome;
  outcome.first = group.first;
  outcome.count = group.count;
  for (std::int64_t k = 0; k < group.count; ++k) {
    outcome.failures.push_back({group.first + k, TaskFailure::cancelled, "it was not begun"});
  }
  group.ticket->settle(std::move(outcome));
}

std::optional<Group> Driver::take() {
  while (auto group = queue_.pop()) {
    if (!stopping_ && group->ticket->begin()) return group;
    cancel(*group);
  }
  return std::nullopt;
}

void Driver::carry() {
  for (Pause pause; !is_all_over();) {
    bool moved = read_messages();
    moved |= hand_out();
    if (stopping_ && !is_stop_sent_) begin_to_stop();
    messages_.is_all_sent();
    look_after();
    if (moved) pause.reset();
    if (pause.is_long() && queue_.size() == 0 && !is_anything_away()) {
      // Messages from ranks that have nothing to do are signs of life, which can wait.
      queue_.sleep(20ms);
      if (queue_.size() > 0) pause.reset();
    } else {
      pause.take(team_->is_full() ? Threads::busy : Threads::idle);
    }
  }
}

bool Driver::read_messages() {
  bool is_any = false;
  while (auto message = messages_.receive()) {
    auto& follower = followers_[static_cast<std::size_t>(message->from - 1)];
    if (follower.is_lost) continue;
    follower.heard = Clock::now();
    if (message->kind == Kind::outcomes) read_outcomes(follower, message->bytes);
    if (message->kind == Kind::returned) read_returned(follower, message->bytes);
    if (message->kind == Kind::leave) {
      // No message may be under way when the communicator is freed: Open MPI would take it for one to the next.
      follower.has_left = true;
      messages_.send(follower.rank, Kind::farewell);
    }
    is_any = is_any || message->kind != Kind::sign;
  }
  return is_any;
}

void Driver::read_outcomes(Follower& follower, const std::vector<std::byte>& bytes) {
  follower.last_outcome = follower.heard;
  for (Reader reader(bytes); reader.left() > 0;) {
    auto [id, outcome] = read_report(reader);
    outcome.rank = follower.rank;
    if (!outcome.failures.empty()) outcome.host = crew_.ranks[static_cast<std::size_t>(follower.rank)].host_name();
    const auto mean_s = outcome.seconds / static_cast<double>(outcome.count);
    follower.mean_task_s += (mean_s - follower.mean_task_s) / (follower.mean_task_s == 0 ? 1 : 8);
    follower.tasks_away -= outcome.count;
    const auto found = follower.away.find(id);
    const auto ticket = found->second.ticket;
    found->second.first += outcome.count;
    found->second.count -= outcome.count;
    if (found->second.count == 0) follower.away.erase(found);
    ticket->settle(std::move(outcome));
  }
}

void Driver::read_returned(Follower& follower, const std::vector<std::byte>& bytes) {
  follower.is_asked = false;
  follower.is_worth_asking = !bytes.empty();
  std::vector<Group> groups;
  for (Reader reader(bytes); reader.left() > 0;) {
    auto group = read_group(reader);
    const auto found = follower.away.find(group.id);
    group.ticket = found->second.ticket;
    follower.away.erase(found);
    follower.tasks_away -= group.count;
    group.ticket->take_back();
    groups.push_back(std::move(group));
  }
  if (stopping_) {
    for (auto& group : groups) cancel(group);
  } else {
    queue_.push_front(std::move(groups));
  }
}

bool Driver::wants_more(const Follower& follower) const {
  if (follower.is_lost || follower.has_left || follower.away.size() >= most_groups_away) return false;
  const auto threads = crew_.ranks[static_cast<std::size_t>(follower.rank)].threads;
  if (follower.away.size() <= static_cast<std::size_t>(threads)) return true;
  return follower.mean_task_s > 0 &&
         static_cast<double>(follower.tasks_away) * follower.mean_task_s < ahead_s * threads;
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
    const auto threads = static_cast<std::size_t>(crew_.ranks[static_cast<std::size_t>(follower.rank)].threads);
    const auto all = static_cast<std::size_t>(workers_);
    is_any |= send_groups(follower, ((waiting - own_free) * threads + all - 1) / all);
  }
  return is_any;
}

bool Driver::send_groups(Follower& follower, std::size_t most) {
  Writer message;
  if (follower.away.empty()) follower.last_outcome = Clock::now();
  for (std::size_t k = 0; k < most && wants_more(follower); ++k) {
    auto group = take();
    if (!group) break;
    write_group(message, *group);
    follower.tasks_away += group->count;
    follower.away.emplace(group->id, Away{std::move(group->ticket), group->first, group->count});
  }
  if (message.size() == 0) return false;
  follower.is_worth_asking = true;
  messages_.send(follower.rank, Kind::tasks, message.take());
  return true;
}

void Driver::recall() {
  if (queue_.size() > 0) return;
  const auto is_idle = [](const Follower& follower) { return !follower.is_lost && follower.away.empty(); };
  if (team_->is_full() && std::none_of(followers_.begin(), followers_.end(), is_idle)) return;
  for (auto& follower : followers_) {
    const auto threads = crew_.ranks[static_cast<std::size_t>(follower.rank)].threads;
    if (follower.is_lost || follower.is_asked || !follower.is_worth_asking) continue;
    if (follower.away.size() <= static_cast<std::size_t>(threads)) continue;
    const bool has_plenty = static_cast<double>(follower.tasks_away) * follower.mean_task_s > patience_s * threads;
    if (!has_plenty && seconds_since(follower.last_outcome) < patience_s) continue;
    follower.is_asked = true;
    messages_.send(follower.rank, Kind::recall);
    return;
  }
}

bool Driver::is_anything_away() const {
  return std::any_of(followers_.begin(), followers_.end(), [](const auto& follower) { return !follower.away.empty(); });
}

void Driver::look_after() {
  const auto now = Clock::now();
  if (now - last_look_ < 1ms) return;
  last_look_ = now;
  team_->watch();
  if (!stopping_) recall();
  const auto sign_s = std::min(1.0, crew_.options.silence_s / 8);
  if (seconds_since(last_sign_) < std::min(0.05, sign_s)) return;
  last_sign_ = now;
  for (auto& follower : followers_) {
    if (follower.is_lost || follower.has_left) continue;
    const auto& identity = crew_.ranks[static_cast<std::size_t>(follower.rank)];
    if (follower.is_near && !is_alive(identity.pid)) {
      lose(follower, "its process ended");
    } else if (seconds_since(follower.heard) > crew_.options.silence_s) {
      lose(follower, fmt::format("nothing was heard of it for {:g} s", crew_.options.silence_s));
    } else {
      messages_.send(follower.rank, Kind::sign);
    }
  }
}

void Driver::lose(Follower& follower, const std::string& why) {
  follower.is_lost = true;
  messages_.forget(follower.rank);
  for (auto& [id, away] : follower.away) {
    Outcome outcome;
    outcome.first = away.first;
    outcome.count = away.count;
    outcome.rank = follower.rank;
    outcome.host = crew_.ranks[static_cast<std::size_t>(follower.rank)].host_name();
    for (std::int64_t k = 0; k < away.count; ++k) {
      outcome.failures.push_back({away.first + k, TaskFailure::rank_lost, why});
    }
    away.ticket->settle(std::move(outcome));
  }
  follower.away.clear();
}

void Driver::begin_to_stop() {
  is_stop_sent_ = true;
  while (auto group = queue_.pop()) cancel(*group);
  const bool is_any_lost =
      std::any_of(followers_.begin(), followers_.end(), [](const auto& follower) { return follower.is_lost; });
  for (const auto& follower : followers_) {
    Writer message;
    write_value(message, is_any_lost);
    if (!follower.is_lost) messages_.send(follower.rank, Kind::stop, message.take());
  }
}

bool Driver::is_all_over() {
  if (!is_stop_sent_ || team_->busy() > 0) return false;
  // What was given back behind a task that did not return.
  while (auto group = queue_.pop()) cancel(*group);
  const auto is_gone = [](const Follower& follower) { return follower.is_lost || follower.has_left; };
  return messages_.is_all_sent() && std::all_of(followers_.begin(), followers_.end(), is_gone);
}

}  // namespace paceline::detail
