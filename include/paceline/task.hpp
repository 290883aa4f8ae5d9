// Tasks: functions known at compile time that any rank can run when it is told their number.
//
// A function's address differs from process to process, so it is never sent. Each function that a program gives to a
// pool registers itself before main() under the name of its type, Task<f>; its number is a hash of that name. Functions
// of one name (in unnamed namespaces of two files) are told apart by their order, which is the same in every process of
// one program. A pool compares all numbers when it is made: ranks that run different programs are refused.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <paceline/serialise.hpp>
#include <paceline/task_error.hpp>

namespace paceline {
namespace detail {

/// Stands for the result of a task that returns nothing; takes no bytes.
struct Nothing {};

}  // namespace detail

template <>
struct Serialiser<detail::Nothing> {
  static void write(Writer& /*writer*/, const detail::Nothing& /*nothing*/) {}
  static void read(Reader& /*reader*/, detail::Nothing& /*nothing*/) {}
};

namespace detail {

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  static_assert((... && !(std::is_lvalue_reference_v<A> && !std::is_const_v<std::remove_reference_t<A>>)),
                "a task is computed on another rank, so it can't change its arguments here: take values or const &");
  using Result = std::conditional_t<std::is_void_v<R>, Nothing, std::remove_cvref_t<R>>;
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;
  static constexpr bool returns = !std::is_void_v<R>;
  static constexpr bool is_serialisable = Serialisable<Result> && (... && Serialisable<std::remove_cvref_t<A>>);
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};

struct Failure {
  std::int64_t task = 0;
  TaskFailure failure = TaskFailure::threw;
  std::string message;
};

/// Consecutive tasks of one function while a thread runs them. Another thread may take over what is left when a task
/// does not return: whoever moves `state_` first owns all the rest.
class GroupRun {
 public:
  GroupRun(std::int64_t first, std::int64_t count, std::vector<std::byte> arguments)
      : first_(first), count_(count), bytes_(std::move(arguments)), arguments_(bytes_) {}
  GroupRun(const GroupRun&) = delete;
  GroupRun& operator=(const GroupRun&) = delete;

  // For the thread that runs it.

  [[nodiscard]] std::int64_t count() const { return count_; }
  Reader& arguments() { return arguments_; }
  Writer& results() { return results_; }
  /// The arguments of task `k` are read and it is about to run.
  void begin(std::int64_t k) { state_.store(2 * k + 1, std::memory_order_release); }
  /// Task `k` has returned. False: it was given up meanwhile, and nothing here may be touched any more.
  [[nodiscard]] bool end(std::int64_t k) {
    auto expected = 2 * k + 1;
    return state_.compare_exchange_strong(expected, 2 * k + 2, std::memory_order_acq_rel);
  }
  void fail(std::int64_t k, const std::string& message) {
    failures_.push_back({first_ + k, TaskFailure::threw, message});
  }

  // For the thread that watches, and for who has the group when it is done.

  /// Changes with every task: 2k + 1 while task k runs.
  [[nodiscard]] std::int64_t state() const { return state_.load(std::memory_order_relaxed); }
  /// True: the task that runs in `state` is given up, and results(), arguments() and failures() are the caller's.
  [[nodiscard]] bool take_over(std::int64_t state) {
    return state % 2 == 1 && state_.compare_exchange_strong(state, taken, std::memory_order_acq_rel);
  }
  [[nodiscard]] bool is_taken() const { return state_.load(std::memory_order_acquire) == taken; }
  std::vector<Failure>& failures() { return failures_; }
  [[nodiscard]] std::int64_t first() const { return first_; }

 private:
  static constexpr std::int64_t taken = -1;

  std::int64_t first_;
  std::int64_t count_;
  std::vector<std::byte> bytes_;
  Reader arguments_;
  Writer results_;
  std::vector<Failure> failures_;
  std::atomic<std::int64_t> state_{0};
};

using Runner = void (*)(GroupRun&);
using TaskId = std::uint64_t;

/// Before main(). `name`: of the type that stands for the function.
TaskId register_task(const char* name, Runner runner);
/// Throws Error (failure) for a number that no function has.
Runner runner_of(TaskId task);
/// Of all registered tasks: differs when programs do.
std::uint64_t tasks_digest();
/// what() of the exception being handled.
std::string current_message();

template <auto f>
struct Task {
  using Signature = detail::Signature<std::decay_t<decltype(f)>>;

  static void run(GroupRun& group) {
    for (std::int64_t k = 0; k < group.count(); ++k) {
      if (!run_one(group, k)) return;
    }
  }

  inline static const TaskId id = register_task(typeid(Task).name(), &run);

 private:
  static bool run_one(GroupRun& group, std::int64_t k) {
    typename Signature::Arguments arguments;
    try {
      read_value(group.arguments(), arguments);
    } catch (...) {
      group.begin(k);
      if (group.end(k)) group.fail(k, current_message());
      return true;
    }
    group.begin(k);
    try {
      if constexpr (Signature::returns) {
        const auto& result = std::apply(f, std::move(arguments));
        if (!group.end(k)) return false;
        const auto before = group.results().size();
        try {
          write_value<typename Signature::Result>(group.results(), result);
        } catch (...) {
          group.results().truncate(before);
          group.fail(k, current_message());
        }
      } else {
        std::apply(f, std::move(arguments));
        return group.end(k);
      }
    } catch (...) {
      const auto message = current_message();
      if (!group.end(k)) return false;
      group.fail(k, message);
    }
    return true;
  }
};

}  // namespace detail
}  // namespace paceline
