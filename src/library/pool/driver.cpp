#include "library/pool/driver.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "library/liveness/process.hpp"
#include "library/pool/wait.hpp"

namespace paceline::detail {
namespace {

using namespace std::chrono_literals;

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
