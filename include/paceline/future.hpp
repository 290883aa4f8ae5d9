// Futures: results that are not there yet. Like std::future, with ready(), then() and cancel(). Made by a Pool, used on
// its driver by any thread, and good for longer than the pool: what a destroyed pool did not begin is cancelled.
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
#include <type_traits>
#include <utility>
#include <vector>

#include <paceline/serialise.hpp>
#include <paceline/task.hpp>
#include <paceline/task_error.hpp>

namespace paceline {
namespace detail {

/// What became of a group of tasks: results in order but for those of the failed tasks.
struct Outcome {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::vector<std::byte> results;
  std::vector<Failure> failures;  ///< in the order of tasks
  int rank = -1;
  std::string host;  ///< only if there are failures
  double seconds = 0;
};

/// Throws the failure as a TaskError.
[[noreturn]] void throw_failure(const Outcome& outcome, const Failure& failure);

/// Whoever waits for groups of tasks.
class Ticket {
 public:
  Ticket() = default;
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  virtual ~Ticket() = default;

  /// Called once a task: every task of the ticket is in one outcome. By any thread of rank 0.
  virtual void settle(Outcome outcome) = 0;

  /// True if the group that asks may begin. Whoever does not begin one after all says so.
  bool begin();
  void take_back() { begun_.fetch_sub(1); }
  /// No group begins any more. True if none has.
  bool cancel();

  /// The number of its first task.
  void set_first(std::int64_t task) { first_ = task; }

 protected:
  [[nodiscard]] std::int64_t first() const { return first_; }

 private:
  std::int64_t first_ = 0;
  std::atomic<std::int64_t> begun_{0};
  std::atomic<bool> is_cancelled_{false};
};

/// A ticket whose owner waits until all its tasks are done.
class Awaited : public Ticket {
 public:
  explicit Awaited(std::int64_t tasks) : has_tasks_(tasks > 0), left_(tasks) {}
  void settle(Outcome outcome) override;
  /// As Ticket::cancel(), but false without tasks; if true, it is ready at once.
  bool give_up();

  void wait();
  bool wait_for(std::chrono::nanoseconds limit);
  [[nodiscard]] bool ready() const { return is_ready_.load(std::memory_order_acquire); }
  /// `action` is called once when it is ready: at once, or by the thread that makes it so.
  void when_ready(std::function<void()> action);

  /// When ready: what has come, in the order of tasks.
  [[nodiscard]] std::vector<Outcome>& outcomes();

 protected:
  /// Without tasks: all is there.
  void finish();

 private:
  const bool has_tasks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Outcome> outcomes_;
  std::int64_t left_;
  std::atomic<bool> is_ready_{false};
  std::vector<std::function<void()>> actions_;
};

/// The value of a future: made of outcomes by get(), or kept by then().
template <class T>
class State : public Awaited {
 public:
  using Awaited::Awaited;
  virtual T value() = 0;
};

template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, Nothing, T>;

/// Calls `handle` with each task's value in order. Throws the first failure.
template <class R, class Handle>
void each_result(std::vector<Outcome>& outcomes, const Handle& handle) {
  for (const auto& outcome : outcomes) {
    if (!outcome.failures.empty()) throw_failure(outcome, outcome.failures.front());
  }
  for (const auto& outcome : outcomes) {
    Reader reader(outcome.results);
    for (std::int64_t k = 0; k < outcome.count; ++k) {
      R result{};
      read_value(reader, result);
      handle(std::move(result));
    }
  }
}

/// Of one task; R is void for one that returns nothing.
template <class R>
class OneResult final : public State<R> {
 public:
  OneResult() : State<R>(1) {}
  R value() override {
    Stored<R> value{};
    each_result<Stored<R>>(this->outcomes(), [&](Stored<R>&& result) { value = std::move(result); });
    if constexpr (!std::is_void_v<R>) return value;
  }
};

/// Of many tasks.
template <class R>
class AllResults final : public State<std::vector<R>> {
 public:
  explicit AllResults(std::int64_t tasks) : State<std::vector<R>>(tasks), tasks_(tasks) {
    if (tasks == 0) this->finish();
  }
  std::vector<R> value() override {
    std::vector<R> values;
    values.reserve(static_cast<std::size_t>(tasks_));
    each_result<R>(this->outcomes(), [&](R&& result) { values.push_back(std::move(result)); });
    return values;
  }

 private:
  std::int64_t tasks_;
};

/// What a function on this rank makes of another future.
template <class U>
class Continued final : public State<U> {
 public:
  Continued() : State<U>(0) {}
  template <class Action>
  void run(Action&& action) {
    try {
      if constexpr (std::is_void_v<U>) {
        action();
        value_.emplace();
      } else {
        value_.emplace(action());
      }
    } catch (...) {
      error_ = std::current_exception();
    }
    this->finish();
  }
  U value() override {
    if (error_) std::rethrow_exception(error_);
    if constexpr (!std::is_void_v<U>) return std::move(*value_);
  }

 private:
  std::optional<Stored<U>> value_;
  std::exception_ptr error_;
};

}  // namespace detail

/// No call waits for ever: a task that does not return and a rank that dies are errors after PoolOptions::task_s and
/// silence_s.
template <class T>
class Future {
 public:
  Future() = default;
  explicit Future(std::shared_ptr<detail::State<T>> state) : state_(std::move(state)) {}

  /// False for one that is default constructed, moved from, or whose value has been taken.
  [[nodiscard]] bool valid() const { return state_ != nullptr; }
  [[nodiscard]] bool ready() const { return state().ready(); }
  void wait() const { state().wait(); }
  /// True if it is ready within that time.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> limit) const {
    return state().wait_for(std::chrono::duration_cast<std::chrono::nanoseconds>(limit));
  }

  /// Waits and takes the value; once. Throws TaskError if the task failed, for map_async() that of the first task that
  /// did, when all others are done.
  T get() {
    const auto kept = std::move(state_);
    if (!kept) throw_invalid();
    kept->wait();
    return kept->value();
  }

  /// Tasks of it that are still on rank 0 and that no thread has begun will not run. True if that is all of them: get()
  /// throws TaskError (cancelled) at once. If some have begun and some will not run, it does so when those are done.
  /// False and without effect for one without tasks of its own, from then() or an empty map_async().
  bool cancel() { return state().give_up(); }

  /// A future of what `action(Future<T>)` returns: it is called with this future, ready, as soon as that is so, on
  /// rank 0 by the thread that finds out. So it should be short, and not wait; to go on with a task, let it submit
  /// one. This future is empty afterwards.
  template <class Action>
  auto then(Action action) {
    using U = std::invoke_result_t<Action, Future<T>>;
    auto next = std::make_shared<detail::Continued<U>>();
    auto kept = std::move(state_);
    if (!kept) throw_invalid();
    auto* const before = kept.get();
    before->when_ready([next, kept = std::move(kept), action = std::move(action)]() mutable {
      next->run([&] { return action(Future<T>(std::move(kept))); });
    });
    return Future<U>(std::move(next));
  }

 private:
  [[noreturn]] static void throw_invalid() {
    throw Error(ExitCode::failure, "a future without a task was asked for its value",
                "it is empty, or was asked before", "ask valid() first");
  }
  [[nodiscard]] detail::State<T>& state() const {
    if (!state_) throw_invalid();
    return *state_;
  }

  std::shared_ptr<detail::State<T>> state_;
};

}  // namespace paceline
