// Futures: results that are not there yet. Like std::future, with ready(), then(), co_await and cancel(). Made by a
// Pool, used on its driver by any thread, and good for longer than the pool: what a destroyed pool did not begin is
// cancelled.
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <paceline/completion.hpp>

namespace paceline {

template <class T>
class Future;

namespace detail {

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
    ByteReader reader(outcome.results);
    for (std::int64_t k = 0; k < outcome.count; ++k) {
      R result{};
      read_next_result(reader, result);
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

/// What a function or a coroutine on this rank makes of other futures.
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
  void fail(std::exception_ptr error) {
    error_ = std::move(error);
    this->finish();
  }
  U value() override {
    if (error_) std::rethrow_exception(error_);
    if constexpr (!std::is_void_v<U>) return std::move(*value_);
  }
  std::exception_ptr failure() override { return error_; }
  FutureStatus status() override {
    if (!this->ready()) return FutureStatus::waiting;
    return error_ ? FutureStatus::error : FutureStatus::value;
  }

 private:
  std::optional<Stored<U>> value_;
  std::exception_ptr error_;
};

/// co_return of a coroutine that returns a Future.
template <class T>
struct PromiseBase {
  std::shared_ptr<Continued<T>> state = std::make_shared<Continued<T>>();
  template <class U>
  void return_value(U&& value) {
    state->run([&]() -> T { return std::forward<U>(value); });
  }
};
template <>
struct PromiseBase<void> {
  std::shared_ptr<Continued<void>> state = std::make_shared<Continued<void>>();
  void return_void() const {
    state->run([] {});
  }
};

template <class T>
struct FutureAccess;

}  // namespace detail

/// No call waits for ever: a task that does not return and a rank that dies are errors after PoolOptions::task_s and
/// silence_s. Moved, not copied: the value can be taken once.
template <class T>
class Future {
 public:
  Future() = default;
  explicit Future(std::shared_ptr<detail::State<T>> state) : state_(std::move(state)) {}
  Future(Future&&) noexcept = default;
  Future& operator=(Future&&) noexcept = default;
  Future(const Future&) = delete;
  Future& operator=(const Future&) = delete;
  ~Future() = default;

  /// False for one that is default constructed, moved from, or whose value has been taken.
  [[nodiscard]] bool valid() const { return state_ != nullptr; }
  [[nodiscard]] bool ready() const { return state().ready(); }
  /// What get() would do now.
  [[nodiscard]] FutureStatus status() const { return state().status(); }
  void wait() const { state().wait(); }
  /// True if it is ready within that time.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> limit) const {
    return state().wait_until(detail::deadline_after(limit));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool wait_until(std::chrono::time_point<Clock, Duration> time) const {
    return wait_for(time - Clock::now());
  }

  /// Waits and takes the value; once. Throws TaskError if the task failed, for map_async() that of the first task that
  /// did, when all others are done.
  T get() {
    const auto kept = std::move(state_);
    if (!kept) throw_invalid();
    kept->wait();
    return kept->value();
  }
  /// Waits, and is what get() throws; null if it gives a value.
  [[nodiscard]] std::exception_ptr exception() const {
    wait();
    return state().failure();
  }

  /// Tasks of it that are still on rank 0 and that no thread has begun will not run. True if that is all of them: get()
  /// throws TaskError (cancelled) at once. If some have begun and some will not run, it does so when those are done.
  /// False and without effect for one without tasks of its own, from then(), a coroutine or an empty map_async().
  bool cancel() { return state().give_up(); }
  /// As cancel(), and tasks that run are given up: get() throws TaskError (terminated) within some milliseconds. Their
  /// threads can't be stopped and are left behind, like those of tasks that run longer than PoolOptions::task_s.
  void terminate() { state().end_now(); }

  /// A future of what `action(Future<T>)` returns: it is called with this future as soon as that is ready, on rank 0,
  /// by a compute thread of the pool, or by the calling thread if it is ready already. It may submit tasks and wait for
  /// them: the thread runs others meanwhile. This future is empty afterwards.
  template <class Action>
  auto then(Action action) {
    using U = std::invoke_result_t<Action, Future<T>>;
    auto next = std::make_shared<detail::Continued<U>>();
    auto kept = std::move(state_);
    if (!kept) throw_invalid();
    auto* const before = kept.get();
    // std::function wants to copy; what is moved only can't be.
    auto shared = std::make_shared<Action>(std::move(action));
    before->when_ready([next, kept = std::move(kept), shared]() mutable {
      next->run([&] { return std::invoke(std::move(*shared), Future<T>(std::move(kept))); });
    });
    return Future<U>(std::move(next));
  }

  /// co_await pool.submit<f>(x) in a coroutine: its value, or its exception. The coroutine goes on on rank 0, on a
  /// thread as in then().
  auto operator co_await() && {
    struct Awaiter {
      Future future;
      [[nodiscard]] bool await_ready() const { return future.ready(); }
      void await_suspend(std::coroutine_handle<> waiting) {
        // The coroutine may go on and destroy this before when_ready() returns.
        const auto kept = future.state_;
        kept->when_ready([waiting] { waiting.resume(); });
      }
      T await_resume() { return future.get(); }
    };
    if (!state_) throw_invalid();
    return Awaiter{std::move(*this)};
  }
  /// A coroutine that returns a Future begins at once.
  struct promise_type : detail::PromiseBase<T> {
    Future get_return_object() { return Future(this->state); }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void unhandled_exception() { this->state->fail(std::current_exception()); }
  };

 private:
  friend struct detail::FutureAccess<T>;
  [[noreturn]] static void throw_invalid() {
    throw Error(ErrorKind::failure, "a future without a task was asked for its value",
                "it is empty, or was asked before", "ask valid() first");
  }
  [[nodiscard]] detail::State<T>& state() const {
    if (!state_) throw_invalid();
    return *state_;
  }

  std::shared_ptr<detail::State<T>> state_;
};

namespace detail {

template <class T>
struct FutureAccess {
  static Awaited& awaited(const Future<T>& future) { return future.state(); }
};

}  // namespace detail
}  // namespace paceline
