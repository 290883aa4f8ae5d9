#include "library/pool/follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace paceline::detail {

using namespace std::chrono_literals;

Follower::Follower(Crew crew) : crew_(std::move(crew)), messages_(crew_.comm) {
  const auto give = [this](Group& group, Outcome outcome) {
    const std::lock_guard lock(mutex_);
    write_report(reports_, {group.id, std::move(outcome)});
  };
  const auto give_back = [this](Group rest) {
    std::vector<Group> groups;
    groups.push_back(std::move(rest));
    queue_.push_front(std::move(groups));
  };
  team_ =
      std::make_unique<Team>(crew_.me().threads, queue_, Team::Duty{[this] { return queue_.pop(); }, give, give_back},
                             crew_.comm.rank(), crew_.me().host_name(), crew_.options.task_s);
  progress_ = std::thread([this] { or_end(crew_, [this] { carry(); }); });
}

Follower::~Follower() {
  progress_.join();
  team_.reset();
  if (is_any_lost_) leave_unfinalised();
}

void Follower::post(Group /*group*/) {
  throw Error(ExitCode::failure, "only rank 0 gives tasks to a pool", fmt::format("rank {} tried", crew_.comm.rank()),
              "ask pool.is_driver() first");
}

int Follower::workers() const {
  int all = 0;
  for (const auto& one : crew_.ranks) all += one.threads;
  return all;
}

void Follower::carry() {
  for (Pause pause; !is_deserting_;) {
    bool moved = read_messages();
    // In this order, and before reports are collected: a thread is busy before it takes a group, and until it has
    // reported it.
    const bool is_idle = queue_.size() == 0 && team_->busy() == 0;
    moved |= report();
    messages_.is_all_sent();
    look_after();
    if (is_stopping_ && is_idle) break;
    if (moved) pause.reset();
    pause.take(team_->is_full() ? Threads::busy : Threads::idle);
  }
  if (is_deserting_) return;
  report();
  messages_.send(0, Kind::leave);
  has_left_ = true;
  for (Pause pause; !is_dismissed_ || !messages_.is_all_sent(); pause.take(Threads::idle)) {
    read_messages();
    look_after();
  }
}

bool Follower::read_messages() {
  bool is_any = false;
  while (auto message = messages_.receive()) {
    heard_ = Clock::now();
    Reader reader(message->bytes);
    if (message->kind == Kind::tasks) {
      while (reader.left() > 0) queue_.push(read_group(reader));
    }
    if (message->kind == Kind::recall) return_groups();
    if (message->kind == Kind::farewell) is_dismissed_ = true;
    if (message->kind == Kind::stop) {
      read_value(reader, is_any_lost_);
      begin_to_stop();
    }
    is_any = is_any || message->kind != Kind::sign;
  }
  return is_any;
}

bool Follower::report() {
  std::vector<std::byte> bytes;
  {
    const std::lock_guard lock(mutex_);
    bytes = reports_.take();
  }
  if (bytes.empty()) return false;
  messages_.send(0, Kind::outcomes, std::move(bytes));
  return true;
}

void Follower::return_groups() {
  Writer message;
  for (const auto& group : queue_.pop_back((queue_.size() + 1) / 2)) write_group(message, group);
  messages_.send(0, Kind::returned, message.take());
}

void Follower::begin_to_stop() {
  is_stopping_ = true;
  while (auto group = queue_.pop()) {
    Outcome outcome;
    outcome.first = group->first;
    outcome.count = group->count;
    for (std::int64_t k = 0; k < group->count; ++k) {
      outcome.failures.push_back({group->first + k, TaskFailure::cancelled, "it was not begun"});
    }
    const std::lock_guard lock(mutex_);
    write_report(reports_, {group->id, std::move(outcome)});
  }
}

void Follower::look_after() {
  const auto now = Clock::now();
  if (now - last_look_ < 1ms) return;
  last_look_ = now;
  team_->watch();
  const auto sign_s = std::min(1.0, crew_.options.silence_s / 8);
  if (seconds_since(last_sign_) < sign_s) return;
  last_sign_ = now;
  if (!has_left_) messages_.send(0, Kind::sign);
  const auto& driver = crew_.ranks.front();
  const bool is_near = driver.host == crew_.me().host;
  if ((is_near && !is_alive(driver.pid)) || seconds_since(heard_) > crew_.options.silence_s) {
    fmt::print(stderr,
               "paceline: error: rank {} on {} ends (rank 0 on {}, which drives its pool, is gone); start again\n",
               crew_.comm.rank(), crew_.me().host_name(), driver.host_name());
    std::fflush(stderr);
    // Should MPI be too stuck even for this, the alarm ends this process.
    alarm(5);
    crew_.comm.abort(ExitCode::failure);
  }
}

}  // namespace paceline::detail
