#include "library/pool/follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "library/liveness/process.hpp"

namespace paceline::detail {
namespace {

using namespace std::chrono_literals;

/// So many times PoolOptions::silence_s rank 0 may be silent. Until then it may just be out of reach, and then it goes
/// on without this rank; to end the job would end it for all.
constexpr double patience = 15;

}  // namespace

Follower::Follower(Members members)
    : members_(std::move(members)),
      silence_(members_.comm.size(), patience * members_.options.silence_s),
      messages_(members_.comm, silence_) {
  const auto give = [this](Group& group, Outcome outcome) { add_report_of(group.id, std::move(outcome)); };
  const auto give_back = [this](Group rest) {
    std::vector<Group> groups;
    groups.push_back(std::move(rest));
    queue_.push_front(std::move(groups));
  };
  const auto take = [this] {
    auto group = queue_.pop_own();
    return group ? std::move(group) : queue_.pop();
  };
  team_ = std::make_unique<Team>(members_.me().threads, queue_, Team::Duty{take, give, give_back}, members_.comm.rank(),
                                 members_.me().host_name(), members_.options.task_s);
  progress_ = std::thread([this] { or_end(members_, [this] { carry(); }); });
}

Follower::~Follower() {
  progress_.join();
  team_.reset();
  if (is_any_gone_) leave_unfinalised();
}

void Follower::throw_not_driver() const {
  throw Error(ErrorKind::failure, "only rank 0 gives tasks to a pool",
              fmt::format("rank {} tried", members_.comm.rank()), "ask pool.is_driver() first");
}

void Follower::post(Group /*group*/) {
  check_not_in_task();
  throw_not_driver();
}
void Follower::finish() { throw_not_driver(); }

int Follower::workers() const {
  int all = 0;
  for (const auto& one : members_.ranks) all += one.threads;
  return all;
}

void Follower::carry() {
  for (Backoff backoff; !is_deserting_;) {
    bool moved = read_messages();
    // In this order, and before reports are collected: a thread is busy before it takes a group, and until it has
    // reported it.
    const bool is_idle = queue_.is_empty() && team_->busy() == 0;
    terminate_late();
    moved |= report();
    messages_.is_all_sent();
    look_after();
    if (is_stopping_ && is_idle) break;
    if (moved) backoff.reset();
    backoff.wait(team_->is_full() ? CoreUse::computing : CoreUse::shared);
  }
  if (is_deserting_) return;
  report();
  messages_.send(0, static_cast<int>(Kind::leave));
  has_left_ = true;
  for (Backoff backoff; !is_dismissed_ || !messages_.is_all_sent(); backoff.wait(CoreUse::shared)) {
    read_messages();
    look_after();
  }
}

bool Follower::read_messages() {
  bool is_any = false;
  while (auto message = messages_.receive()) {
    ByteReader reader(message->head);
    switch (static_cast<Kind>(message->kind)) {
      case Kind::sign: continue;
      case Kind::tasks: read_groups(*message); break;
      case Kind::recall: return_groups(); break;
      case Kind::farewell: is_dismissed_ = true; break;
      case Kind::terminate: {
        std::uint64_t group = 0;
        read_value(reader, group);
        if (!terminate(group)) late_.push_back(group);
        break;
      }
      case Kind::stop:
        read_value(reader, is_any_gone_);
        begin_to_stop();
        break;
      default: break;
    }
    is_any = true;
  }
  return is_any;
}

void Follower::read_groups(Message& message) {
  for (ByteReader reader(message.head); reader.left() > 0;) {
    auto group = read_group(reader, message);
    if (group.rank >= 0) {
      queue_.push_own(std::move(group));
    } else {
      queue_.push(std::move(group));
    }
  }
}

void Follower::add_report_of(std::uint64_t group, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  add_report(reports_, {group, std::move(outcome)});
}

bool Follower::report() {
  Batch reports;
  {
    const std::lock_guard lock(mutex_);
    std::swap(reports, reports_);
  }
  if (reports.is_empty()) return false;
  reports.send(messages_, 0, Kind::outcomes);
  return true;
}

void Follower::return_groups() {
  Batch batch;
  for (auto& group : queue_.pop_back((queue_.size() + 1) / 2)) add_group(batch, std::move(group));
  if (batch.is_empty()) {
    messages_.send(0, static_cast<int>(Kind::returned));
  } else {
    batch.send(messages_, 0, Kind::returned);
  }
}

bool Follower::terminate(std::uint64_t id) {
  if (const auto group = queue_.pop_group(id)) {
    add_report_of(id, all_failed(group->first, group->count, TaskFailure::cancelled, "it was not begun"));
    return true;
  }
  return team_->terminate(id);
}

/// A thread may have taken the group out of the queue and not begun it yet: then it is looked for again. A thread is
/// busy before it takes a group, so what is not found while none is busy has ended.
void Follower::terminate_late() {
  std::erase_if(late_, [&](std::uint64_t id) { return terminate(id) || team_->busy() == 0; });
}

void Follower::begin_to_stop() {
  is_stopping_ = true;
  for (;;) {
    auto group = queue_.pop_own();
    if (!group) group = queue_.pop();
    if (!group) return;
    add_report_of(group->id, all_failed(group->first, group->count, TaskFailure::cancelled, "it was not begun"));
  }
}

void Follower::look_after() {
  const auto now = Clock::now();
  if (now - last_look_ < 1ms) return;
  last_look_ = now;
  silence_.look();
  team_->watch();
  if (now - last_sign_ < silence_.sign_interval() / patience) return;
  last_sign_ = now;
  if (!has_left_) messages_.send(0, static_cast<int>(Kind::sign));
  const auto& driver = members_.ranks.front();
  const bool is_near = driver.host == members_.me().host;
  if ((is_near && !is_alive(driver.pid)) || silence_.is_silent(0)) {
    fmt::print(stderr,
               "paceline: error: rank {} on {} ends (rank 0 on {}, which drives its pool, is gone); start again\n",
               members_.comm.rank(), members_.me().host_name(), driver.host_name());
    end_job(members_);
  }
}

}  // namespace paceline::detail
