#include "library/pool/team.hpp"

#include <fmt/format.h>

#include <cmath>

namespace paceline::detail {

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
  for (int idle = 0; !stopping_.load(std::memory_order_relaxed);) {
    busy_.fetch_add(1);
    auto group = duty_.take();
    if (!group) {
      busy_.fetch_sub(1);
      rest(idle++);
      continue;
    }
    idle = 0;
    // A thread that was given up has no slot any more, and perhaps no team.
    if (!run(slot, std::move(*group))) return;
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
  try {
    runner_of(running->group.function)(run);
  } catch (...) {
    // No function has this number: its arguments can't be read either.
    for (std::int64_t k = 0; k < run.count(); ++k) run.fail(k, current_message());
    outcome.count = run.count();
  }
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
  // A moving average; which of two threads comes last does not matter.
  const auto mean_s = outcome.seconds / static_cast<double>(outcome.count);
  const auto before = mean_task_s_.load(std::memory_order_relaxed);
  mean_task_s_.store(before == 0 ? mean_s : before + (mean_s - before) / 8, std::memory_order_relaxed);
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
    } else if (now - slot->since > task_limit_ && running->run.take_over(state)) {
      slot->thread.detach();
      // The thread may come back to its place as long as the process lives.
      (void)slot.release();
      slot = new_slot();
      give_up(*running, state / 2);
      busy_.fetch_sub(1);
    }
  }
}

void Team::give_up(Running& running, std::int64_t task) {
  auto& run = running.run;
  Outcome outcome;
  outcome.first = run.first();
  outcome.count = task + 1;
  outcome.results = run.results().take();
  outcome.failures = std::move(run.failures());
  outcome.failures.push_back(
      {run.first() + task, TaskFailure::overran,
       fmt::format("it was given up after {:g} s", std::chrono::duration<double>(task_limit_).count())});
  outcome.rank = rank_;
  outcome.host = host_;
  const auto rest = run.arguments().take(run.arguments().left());
  auto& group = running.group;
  if (task + 1 < run.count()) {
    duty_.give_back({group.id,
                     group.function,
                     run.first() + task + 1,
                     run.count() - task - 1,
                     {rest.begin(), rest.end()},
                     group.ticket});
  }
  duty_.give(group, std::move(outcome));
}

}  // namespace paceline::detail
