#include "library/pool/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "library/liveness/process.hpp"
#include "library/pool/wait.hpp"

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

/// The progress thread runs no actions: while one takes its time, no rank would hear of this one.
class Driver::ProgressDuty final : public ThreadDuty {
 public:
  explicit ProgressDuty(WorkQueue& queue) : queue_(queue) { thread_duty() = this; }
  bool take_over(Awaited::Action& action) override {
    queue_.push_action(std::move(action));
    return true;
  }
  bool help() override { return false; }

 private:
  WorkQueue& queue_;
};

Driver::Driver(Members members)
    : members_(std::move(members)),
      silence_(members_.comm.size(), members_.options.silence_s),
      messages_(members_.comm, silence_) {
  for (const auto& one : members_.ranks) workers_ += one.threads;
  for (int rank = 1; rank < members_.comm.size(); ++rank) {
    auto& follower = followers_.emplace_back();
    follower.rank = rank;
    follower.is_near = info(follower).host == members_.me().host && is_alive(info(follower).pid);
  }
  const auto give = [this](Group& group, Outcome outcome) {
    if (!followers_.empty()) times_.add(group.function, outcome);
    settle(*group.ticket, std::move(outcome));
  };
  const auto give_back = [this](Group rest) {
    std::vector<Group> groups;
    groups.push_back(std::move(rest));
    queue_.push_front(std::move(groups));
  };
  team_ =
      std::make_unique<Team>(members_.me().threads, queue_, Team::Duty{[this] { return take_own(); }, give, give_back},
                             0, members_.me().host_name(), members_.options.task_s);
  progress_ = std::thread([this] {
    ProgressDuty duty(queue_);
    or_end(members_, [this] { carry(); });
  });
}

Driver::~Driver() {
  stopping_ = true;
  queue_.wake();
  progress_.join();
  team_.reset();
  for (const auto& follower : followers_) {
    if (!follower.has_left) leave_unfinalised();
  }
}

void Driver::post(Group group) {
  check_not_in_task();
  if (stopping_) throw Error(ErrorKind::failure, "a task came too late", "its pool is being destroyed");
  group.id = posted_.groups.fetch_add(1, std::memory_order_relaxed) + 1;
  posted_.tasks.fetch_add(group.count);
  if (group.rank < 0) {
    queue_.push(std::move(group));
  } else if (group.rank == 0) {
    queue_.push_own(std::move(group));
  } else {
    const std::lock_guard lock(pinned_mutex_);
    pinned_.push_back(std::move(group));
  }
}

void Driver::finish() {
  if (is_in_task() || thread_duty() != nullptr) {
    throw Error(ErrorKind::failure, "Pool::finish() can't end", "a task or an action of the pool called it");
  }
  finishing_.fetch_add(1);
  {
    std::unique_lock lock(finish_mutex_);
    wait_until(lock, finished_, std::nullopt, [&] { return is_all_settled() && !queue_.has_unfinished_actions(); });
  }
  finishing_.fetch_sub(1);
}

bool Driver::is_all_settled() const {
  const auto settled = settled_.tasks.load();
  return settled == posted_.tasks.load();
}

void Driver::settle(Ticket& ticket, Outcome outcome) {
  const auto tasks = outcome.count;
  ticket.settle(std::move(outcome));
  settled_.tasks.fetch_add(tasks);
  // Who waits says so first and looks then, this does both the other way round.
  if (finishing_.load() > 0 && is_all_settled()) {
    const std::lock_guard lock(finish_mutex_);
    finished_.notify_all();
  }
}

void Driver::cancel(Group& group) {
  settle(*group.ticket, all_failed(group.first, group.count, TaskFailure::cancelled, "it was not begun"));
}

std::optional<Group> Driver::take() {
  while (auto group = queue_.pop()) {
    if (!stopping_ && group->ticket->begin()) return group;
    cancel(*group);
  }
  return std::nullopt;
}

std::optional<Group> Driver::take_own() {
  while (auto group = queue_.pop_own()) {
    if (!stopping_ && group->ticket->begin()) return group;
    cancel(*group);
  }
  return take();
}

void Driver::carry() {
  for (Backoff backoff; !is_all_over();) {
    bool moved = read_messages();
    moved |= send_pinned();
    moved |= hand_out();
    if (stopping_ && !is_stop_sent_) begin_to_stop();
    messages_.is_all_sent();
    look_after();
    if (moved) backoff.reset();
    if (backoff.is_long() && queue_.size() == 0 && !is_anything_away()) {
      // Messages from ranks that have nothing to do are signs of life, which can wait.
      queue_.sleep(20ms);
      if (queue_.size() > 0) backoff.reset();
    } else {
      backoff.wait(team_->is_full() ? CoreUse::computing : CoreUse::shared);
    }
  }
}

bool Driver::read_messages() {
  bool is_any = false;
  while (auto message = messages_.receive()) {
    auto& follower = followers_[static_cast<std::size_t>(message->from - 1)];
    const auto kind = static_cast<Kind>(message->kind);
    if (kind == Kind::leave) {
      // No message may be under way when the communicator is freed: Open MPI would take it for one to the next.
      follower.has_left = true;
      messages_.ignore(follower.rank, false);
      messages_.send(follower.rank, static_cast<int>(Kind::farewell));
    }
    if (kind == Kind::outcomes && !follower.is_lost) read_outcomes(follower, *message);
    if (kind == Kind::returned && !follower.is_lost) read_returned(follower, *message);
    is_any = is_any || kind != Kind::sign;
  }
  return is_any;
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

bool Driver::is_anything_away() const {
  return std::any_of(followers_.begin(), followers_.end(), [](const auto& follower) { return !follower.away.empty(); });
}

void Driver::look_after() {
  const auto now = Clock::now();
  if (now - last_look_ < 1ms) return;
  last_look_ = now;
  silence_.look();
  team_->watch();
  terminate_away();
  if (!stopping_) recall();
  if (now - last_sign_ < std::min<Clock::duration>(50ms, silence_.sign_interval())) return;
  last_sign_ = now;
  for (auto& follower : followers_) {
    if (!follower.has_left) look_after(follower);
  }
  // The end of an action is not told.
  const std::lock_guard lock(finish_mutex_);
  finished_.notify_all();
}

void Driver::look_after(Follower& follower) {
  if (follower.is_near && !is_alive(info(follower).pid)) {
    lose(follower, "its process ended");
  } else if (silence_.is_silent(follower.rank)) {
    lose(follower, fmt::format("nothing was heard of it for {:g} s", members_.options.silence_s));
  } else {
    messages_.send(follower.rank, static_cast<int>(Kind::sign));
  }
}

bool Driver::is_there(const Follower& follower) const {
  return !silence_.is_silent(follower.rank) && !(follower.is_near && !is_alive(info(follower).pid));
}

void Driver::lose(Follower& follower, const std::string& why) {
  messages_.ignore(follower.rank, true);
  if (follower.is_lost) return;
  follower.is_lost = true;
  for (auto& [id, away] : follower.away) {
    auto outcome = all_failed(away.first, away.count, TaskFailure::rank_lost, why);
    outcome.rank = follower.rank;
    outcome.host = info(follower).host_name();
    settle(*away.ticket, std::move(outcome));
  }
  follower.away.clear();
  follower.tasks_away.clear();
}

void Driver::begin_to_stop() {
  is_stop_sent_ = true;
  while (auto group = queue_.pop()) cancel(*group);
  const bool is_any_gone =
      std::any_of(followers_.begin(), followers_.end(), [&](const auto& follower) { return !is_there(follower); });
  for (const auto& follower : followers_) {
    ByteWriter message;
    write_value(message, is_any_gone);
    messages_.send(follower.rank, static_cast<int>(Kind::stop), message.take());
  }
}

bool Driver::is_all_over() {
  if (!is_stop_sent_ || team_->busy() > 0 || !queue_.is_empty()) {
    // What was given back behind a task that did not return.
    if (is_stop_sent_) {
      while (auto group = queue_.pop()) cancel(*group);
    }
    return false;
  }
  const auto is_gone = [&](const Follower& follower) { return follower.has_left || !is_there(follower); };
  return messages_.is_all_sent() && std::all_of(followers_.begin(), followers_.end(), is_gone);
}

}  // namespace paceline::detail
