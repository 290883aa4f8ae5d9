// What became of tasks, and who is told of it: the part of futures and streams that knows no types.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <paceline/task.hpp>
#include <paceline/task_error.hpp>

namespace paceline {

enum class FutureStatus {
  waiting,    ///< not ready
  value,      ///< get() gives it without waiting
  error,      ///< get() throws at once
  cancelled,  ///< the same: it was not begun
};

namespace detail {

/// What became of a group of tasks: results in order but for those of the failed tasks.
struct Outcome {
  std::int64_t first = 0;
  std::int64_t count = 0;
  Bytes results;
  std::vector<Failure> failures;  ///< in the order of tasks
  int rank = -1;
  std::string host;  ///< only if there are failures
  double seconds = 0;
};

/// All tasks of it failed in the same way.
Outcome all_failed(std::int64_t first, std::int64_t count, TaskFailure failure, const std::string& why);

/// Throws the failure as a TaskError.
[[noreturn]] void throw_failure(const Outcome& outcome, const Failure& failure);

/// Waits for groups of tasks.
class Ticket {
 public:
  Ticket() = default;
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  virtual ~Ticket() = default;

  /// Called once a task: every task of the ticket is in one outcome. By any thread of rank 0.
  virtual void settle(Outcome outcome) = 0;

  /// True if the group that asks may begin. A caller that does not begin one after all says so.
  bool begin();
  void take_back() { begun_.fetch_sub(1); }
  /// No group begins any more. True if none has.
  bool cancel();
  /// Groups that have begun are given up.
  void terminate();
  [[nodiscard]] bool is_terminated() const { return is_terminated_.load(std::memory_order_relaxed); }
  /// How often terminate() was called on any ticket of this process. The driver looks at its tickets when it has grown.
  static int terminations() { return terminations_.load(std::memory_order_relaxed); }

  /// The number of its first task.
  void set_first(std::int64_t task) { first_ = task; }

 protected:
  [[nodiscard]] std::int64_t first() const { return first_; }

 private:
  std::int64_t first_ = 0;
  std::atomic<std::int64_t> begun_{0};
  std::atomic<bool> is_cancelled_{false};
  std::atomic<bool> is_terminated_{false};
  inline static std::atomic<int> terminations_{0};
};

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// The moment so much later; never for more than a century.
template <class Rep, class Period>
Deadline deadline_after(std::chrono::duration<Rep, Period> limit) {
  using Clock = std::chrono::steady_clock;
  if (std::chrono::duration<double>(limit).count() > 3e9) return std::nullopt;
  if (limit <= limit.zero()) return Clock::now();
  return Clock::now() + std::chrono::ceil<Clock::duration>(limit);
}

/// A ticket whose owner waits until all its tasks are done.
class Awaited : public Ticket {
 public:
  using Action = std::function<void()>;
  explicit Awaited(std::int64_t tasks) : has_tasks_(tasks > 0), left_(tasks) {}
  void settle(Outcome outcome) override;
  /// As Ticket::cancel(), but false without tasks; if true, it is ready at once.
  bool give_up();
  /// cancel() and, for what has begun, terminate().
  bool end_now();

  void wait() { wait_until(std::nullopt); }
  /// True if it is ready in time. In an action on a compute thread, tasks are run meanwhile.
  bool wait_until(const Deadline& deadline);
  [[nodiscard]] bool ready() const { return is_ready_.load(std::memory_order_acquire); }
  /// `action` is called once when it is ready: at once, or by a compute thread or a thread that cancels or asks.
  void when_ready(Action action) { add(std::move(action), false); }
  /// The same, by any thread, which must not be held up.
  void notify_when_ready(Action action) { add(std::move(action), true); }

  /// When ready: what has come, in the order of tasks.
  [[nodiscard]] std::vector<Outcome>& outcomes();
  /// When ready: the first failure, as what get() throws, or nothing.
  [[nodiscard]] virtual std::exception_ptr failure();
  [[nodiscard]] virtual FutureStatus status();

 protected:
  /// Without tasks: all is there.
  void finish();

 private:
  struct Waiter {
    Action action;
    bool is_quick = false;
  };
  void add(Action action, bool is_quick);

  const bool has_tasks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Outcome> outcomes_;
  std::int64_t left_;
  std::atomic<bool> is_ready_{false};
  std::vector<Waiter> waiters_;
};

/// What a thread of a pool does in place of others: set for the threads of rank 0.
class ThreadDuty {
 public:
  virtual ~ThreadDuty() = default;
  /// Takes an action over from a thread that must not be held up. False: this thread runs it itself.
  virtual bool take_over(Awaited::Action& action) = 0;
  /// Runs a task in place of waiting. False: there is none.
  virtual bool help() = 0;
};
/// Of the calling thread; nothing outside of pools, and in a task.
ThreadDuty*& thread_duty();

}  // namespace detail
}  // namespace paceline
