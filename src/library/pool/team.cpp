#include "library/pool/team.hpp"

#include <fmt/format.h>

#include <utility>

#include <paceline/completion.hpp>

namespace paceline::detail {
namespace {

thread_local bool runs_task = false;

}  // namespace

bool is_in_task() { return runs_task; }

void check_not_in_task() {
  if (!runs_task) return;
  throw Error(ErrorKind::failure, "a task gave a task to its pool", "only what rank 0 does outside of tasks may",
              "use Future::then() or a coroutine for what follows from a result");
}

class Team::Helper final : public ThreadDuty {
 public:
  Helper(Team& team, ThreadSlot& slot) : team_(team), slot_(slot) { thread_duty() = this; }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;
  ~Helper() override { thread_duty() = nullptr; }

  bool take_over(Awaited::Action& /*action*/) override { return false; }
  bool help() override {
    team_.busy_.fetch_add(1);
    auto group = team_.duty_.take();
    if (group && !team_.run(slot_, std::move(*group))) {
      // Another thread has the slot. This one ends once it has come to the end of its action.
      is_left_ = true;
      thread_duty() = nullptr;
      return true;
    }
    team_.busy_.fetch_sub(1);
    return group.has_value();
  }
  [[nodiscard]] bool is_left() const { return is_left_; }

 private:
  Team& team_;
  ThreadSlot& slot_;
  bool is_left_ = false;
};

Team::Team(int threads, WorkQueue& queue, Duty duty, int rank, std::string host, double task_s)
    : threads_(threads),
      queue_(queue),
      duty_(std::move(duty)),
      rank_(rank),
      host_(std::move(host)),
      task_limit_(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(task_s, 1e9)))) {
  for (int thread = 0; thread < threads; ++thread) slots_.push_back(new_slot());
}

Team::~Team() {
  stopping_ = true;
  queue_.wake();
  for (auto& slot : slots_) slot->thread.join();
}

std::unique_ptr<Team::ThreadSlot> Team::new_slot() {
  auto slot = std::make_unique<ThreadSlot>();
  slot->thread = std::thread([this, place = slot.get()] { work(*place); });
  return slot;
}

void Team::work(ThreadSlot& slot) {
  Helper helper(*this, slot);
  for (int idle = 0; !helper.is_left() && !stopping_.load(std::memory_order_relaxed);) {
    busy_.fetch_add(1);
    if (const auto action = queue_.pop_action()) {
      action();
      queue_.end_action();
      idle = 0;
    } else if (auto group = duty_.take()) {
      // A thread that was given up has no slot any more, and perhaps no team.
      if (!run(slot, std::move(*group))) return;
      idle = 0;
    } else {
      busy_.fetch_sub(1);
      rest(idle++);
      continue;
    }
    // The team lives as long as threads are busy.
    busy_.fetch_sub(1);
  }
}

void Team::rest(int round) {
  using namespace std::chrono_literals;
  // While tasks keep coming it is enough to let the thread that brings them have this core.
  if (round < 50) {
    std::this_thread::yield();
  } else if (round < 100) {
    std::this_thread::sleep_for(20us);
  } else {
    queue_.sleep(200ms);
  }
}

bool Team::run(ThreadSlot& slot, Group group) {
  const auto running = std::make_shared<Running>(std::move(group));
  {
    const std::lock_guard lock(slot.mutex);
    slot.running = running;
    ++slot.serial;
  }
  Outcome outcome;
  auto& run = running->run;
  auto* const duty = std::exchange(thread_duty(), nullptr);
  runs_task = true;
  try {
    runner_of(running->group.function)(run);
  } catch (...) {
    // No function has this number, or what its object holds can't be read.
    for (std::int64_t k = 0; k < run.count(); ++k) run.fail(k, current_exception());
  }
  runs_task = false;
  thread_duty() = duty;
  if (run.is_taken()) return false;
  {
    const std::lock_guard lock(slot.mutex);
    slot.running.reset();
  }
  outcome.first = run.first();
  outcome.count = run.count();
  outcome.results = run.results().take();
  outcome.failures = std::move(run.failures());
  outcome.rank = rank_;
  if (!outcome.failures.empty()) outcome.host = host_;
  outcome.seconds = std::chrono::duration<double>(Clock::now() - running->start).count();
  duty_.give(running->group, std::move(outcome));
  return true;
}

void Team::watch() {
  const auto now = Clock::now();
  for (auto& slot : slots_) {
    std::shared_ptr<Running> running;
    std::uint64_t serial = 0;
    {
      const std::lock_guard lock(slot->mutex);
      running = slot->running;
      serial = slot->serial;
    }
    if (!running) continue;
    const auto state = running->run.state();
    if (serial != slot->seen_serial || state != slot->seen_state) {
      slot->seen_serial = serial;
      slot->seen_state = state;
      slot->since = now;
    }
    const auto& ticket = running->group.ticket;
    const bool is_terminated = running->is_terminated || (ticket && ticket->is_terminated());
    if ((is_terminated || now - slot->since > task_limit_) && running->run.take_over(state)) {
      running->is_terminated = is_terminated;
      slot->thread.detach();
      // The thread may come back to its place as long as the process lives.
      (void)slot.release();
      slot = new_slot();
      give_up(*running, state / 2);
      busy_.fetch_sub(1);
    }
  }
}

bool Team::terminate(std::uint64_t group) {
  for (auto& slot : slots_) {
    const std::lock_guard lock(slot->mutex);
    if (!slot->running || slot->running->group.id != group) continue;
    slot->running->is_terminated = true;
    return true;
  }
  return false;
}

void Team::give_up(Running& running, std::int64_t task) {
  auto& run = running.run;
  auto& group = running.group;
  Outcome outcome;
  outcome.first = run.first();
  outcome.count = task + 1;
  outcome.results = run.results().take();
  outcome.failures = std::move(run.failures());
  outcome.rank = rank_;
  outcome.host = host_;
  const auto first_left = run.first() + task + 1;
  const auto left = run.count() - task - 1;
  if (running.is_terminated) {
    outcome.failures.push_back({run.first() + task, TaskFailure::terminated, {"its future was told to"}});
    outcome.count = run.count();
    for (auto& failure : all_failed(first_left, left, TaskFailure::cancelled, "it was not begun").failures) {
      outcome.failures.push_back(std::move(failure));
    }
  } else {
    const auto limit_s = std::chrono::duration<double>(task_limit_).count();
    outcome.failures.push_back(
        {run.first() + task, TaskFailure::overran, {fmt::format("it was given up after {:g} s", limit_s)}});
    const auto rest = run.arguments().take(run.arguments().left());
    if (left > 0) {
      duty_.give_back({group.id,
                       group.function,
                       first_left,
                       left,
                       {rest.begin(), rest.end()},
                       group.held,
                       group.ticket,
                       group.rank});
    }
  }
  duty_.give(group, std::move(outcome));
}

}  // namespace paceline::detail
