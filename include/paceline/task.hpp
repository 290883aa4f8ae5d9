// Tasks: functions known at compile time that any rank can run when it is told their number.
//
// A function's address differs from process to process, so it is never sent. Each function that a program gives to a
// pool registers itself before main() under the name of its type, Task<f>; its number is a hash of that name. Functions
// of one name (in unnamed namespaces of two files) are told apart by their order, which is the same in every process of
// one program. A pool compares all numbers when it is made: ranks that run different programs are refused.
//
// The same holds for function objects: their type is known at compile time, and what they hold travels with the tasks.
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

#include <paceline/callable.hpp>
#include <paceline/serialise.hpp>
#include <paceline/task_error.hpp>

namespace paceline::detail {

/// An exception as it travels: its what(), and which of the standard types it is.
struct Caught {
  std::string message;
  std::uint32_t type = 0;  ///< 0: none that is known
};
/// Of the exception being handled.
Caught current_exception();

struct Failure {
  std::int64_t task = 0;
  TaskFailure failure = TaskFailure::threw;
  Caught caught;
};

/// Throws an Error that says what can't be read or written, and why: the exception being handled.
[[noreturn]] void throw_about(const char* what, std::size_t number, const std::type_info& type);

// What is not of a fixed size has its size in front. So a Serialiser that fails or reads too little spoils one value,
// and never those behind it.

template <class T>
inline constexpr bool has_fixed_size = Copied<T> || std::is_same_v<T, Nothing>;
template <class... T>
inline constexpr bool has_fixed_size<std::tuple<T...>> = (... && has_fixed_size<T>);
template <class T>
inline constexpr std::size_t fixed_size = std::is_same_v<T, Nothing> ? 0 : sizeof(T);
template <class... T>
inline constexpr std::size_t fixed_size<std::tuple<T...>> = (std::size_t{0} + ... + fixed_size<T>);

/// Calls `write` and puts the number of bytes that it wrote in front of them.
template <class T, class Write>
void write_delimited(ByteWriter& writer, const Write& write) {
  if constexpr (has_fixed_size<T>) {
    write();
  } else {
    const auto at = writer.size();
    write_value(writer, std::uint64_t{0});
    write();
    const std::uint64_t size = writer.size() - at - sizeof size;
    writer.overwrite(at, &size, sizeof size);
  }
}

/// The bytes of the next value, alone.
template <class T>
ByteReader next_delimited(ByteReader& reader) {
  std::uint64_t size = fixed_size<T>;
  if constexpr (!has_fixed_size<T>) read_value(reader, size);
  return ByteReader(reader.take(size));
}

[[noreturn]] void throw_left_over(std::size_t bytes);
/// Throws Error if bytes are left: then what was read is not what was written.
inline void check_all_read(const ByteReader& reader) {
  if (reader.left() > 0) throw_left_over(reader.left());
}

template <class T>
void write_argument(ByteWriter& writer, std::size_t number, const T& argument) {
  // Bytes that are copied can't fail, and many small tasks come by here.
  if constexpr (has_fixed_size<T>) return write_value(writer, argument);
  try {
    write_value(writer, argument);
  } catch (...) {
    throw_about("argument {} of a task ({}) can't be written", number, typeid(T));
  }
}
template <class T>
void read_argument(ByteReader& reader, std::size_t number, std::size_t last, T& argument) {
  try {
    read_value(reader, argument);
    if (number == last) check_all_read(reader);
  } catch (...) {
    throw_about("argument {} of a task ({}) can't be read", number, typeid(T));
  }
}

template <class Arguments>
void write_arguments(ByteWriter& writer, const Arguments& arguments) {
  [[maybe_unused]] std::size_t number = 0;
  write_delimited<Arguments>(writer, [&] {
    std::apply([&](const auto&... argument) { (write_argument(writer, ++number, argument), ...); }, arguments);
  });
}
template <class Arguments>
void read_arguments(ByteReader& all, Arguments& arguments) {
  [[maybe_unused]] std::size_t number = 0;
  if constexpr (has_fixed_size<Arguments>) return read_value(all, arguments);
  auto reader = next_delimited<Arguments>(all);
  std::apply([&](auto&... argument) { (read_argument(reader, ++number, sizeof...(argument), argument), ...); },
             arguments);
}

template <class R>
void write_result(ByteWriter& writer, const R& result) {
  write_delimited<R>(writer, [&] { write_value(writer, result); });
}
template <class R>
void read_next_result(ByteReader& all, R& result) {
  if constexpr (has_fixed_size<R>) return read_value(all, result);
  auto reader = next_delimited<R>(all);
  try {
    read_value(reader, result);
    check_all_read(reader);
  } catch (...) {
    throw_about("a result ({1}) can't be read", 0, typeid(R));
  }
}

/// Consecutive tasks of one function while a thread runs them. Another thread may take over what is left when a task
/// does not return: whoever moves `state_` first owns all the rest.
class GroupRun {
 public:
  /// `held` is the caller's and stays.
  GroupRun(std::int64_t first, std::int64_t count, Bytes arguments, const Bytes& held)
      : first_(first), count_(count), bytes_(std::move(arguments)), arguments_(bytes_), held_(held) {}
  GroupRun(const GroupRun&) = delete;
  GroupRun& operator=(const GroupRun&) = delete;

  // For the thread that runs it.

  [[nodiscard]] std::int64_t count() const { return count_; }
  ByteReader& arguments() { return arguments_; }
  ByteWriter& results() { return results_; }
  /// Of the function object.
  [[nodiscard]] const Bytes& held() const { return held_; }
  /// The arguments of task `k` are read and it is about to run.
  void begin(std::int64_t k) { state_.store(2 * k + 1, std::memory_order_release); }
  /// Task `k` has returned. False: it was given up meanwhile, and nothing here may be touched any more.
  [[nodiscard]] bool end(std::int64_t k) {
    auto expected = 2 * k + 1;
    return state_.compare_exchange_strong(expected, 2 * k + 2, std::memory_order_acq_rel);
  }
  void fail(std::int64_t k, Caught caught) { failures_.push_back({first_ + k, TaskFailure::threw, std::move(caught)}); }

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
  Bytes bytes_;
  ByteReader arguments_;
  const Bytes& held_;
  ByteWriter results_;
  std::vector<Failure> failures_;
  std::atomic<std::int64_t> state_{0};
};

using Runner = void (*)(GroupRun&);
using TaskId = std::uint64_t;

/// Before main(). `name`: of the type that stands for the function.
TaskId register_task(const char* name, Runner runner);
/// Throws Error for a number that no function has.
Runner runner_of(TaskId task);
std::vector<TaskId> all_tasks();
/// Of all registered tasks: differs when programs do.
std::uint64_t tasks_digest();

/// Callable: Constant<f> or Object<F> (callable.hpp).
template <class Callable>
struct Task {
  using Signature = typename Callable::Signature;

  static void run(GroupRun& group) {
    const auto function = Callable::read(group.held());
    for (std::int64_t k = 0; k < group.count(); ++k) {
      if (!run_one(function, group, k)) return;
    }
  }

  inline static const TaskId id = register_task(typeid(Task).name(), &run);

 private:
  static bool run_one(const auto& function, GroupRun& group, std::int64_t k) {
    typename Signature::Arguments arguments;
    try {
      read_arguments(group.arguments(), arguments);
    } catch (...) {
      group.begin(k);
      if (group.end(k)) group.fail(k, current_exception());
      return true;
    }
    group.begin(k);
    try {
      if constexpr (Signature::returns) {
        const auto& result = std::apply(function, std::move(arguments));
        if (!group.end(k)) return false;
        const auto before = group.results().size();
        try {
          write_result<typename Signature::Result>(group.results(), result);
        } catch (...) {
          group.results().truncate(before);
          group.fail(k, current_exception());
        }
      } else {
        std::apply(function, std::move(arguments));
        return group.end(k);
      }
    } catch (...) {
      auto caught = current_exception();
      if (!group.end(k)) return false;
      group.fail(k, std::move(caught));
    }
    return true;
  }
};

}  // namespace paceline::detail
