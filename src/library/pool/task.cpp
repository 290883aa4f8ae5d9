#include <paceline/task.hpp>

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <unordered_map>

#include <paceline/digest.hpp>
#include <paceline/pool_queue.hpp>

namespace paceline {
namespace {

std::string sentence(TaskFailure failure, std::int64_t task, const std::string& where) {
  switch (failure) {
    case TaskFailure::threw: return fmt::format("task {} failed on {}", task, where);
    case TaskFailure::overran: return fmt::format("task {} did not return on {}", task, where);
    case TaskFailure::terminated: return fmt::format("task {} was terminated on {}", task, where);
    case TaskFailure::rank_lost: return fmt::format("task {} is lost with {}", task, where);
    default: return fmt::format("task {} was cancelled", task);
  }
}

std::string place(int rank, const std::string& host) {
  return host.empty() ? fmt::format("rank {}", rank) : fmt::format("rank {} on {}", rank, host);
}

}  // namespace

TaskError::TaskError(TaskFailure failure, std::int64_t task, int rank, const std::string& host, std::string message)
    : failure_(failure),
      task_(task),
      rank_(rank),
      message_(std::move(message)),
      text_(std::make_shared<std::string>(
          Error(ErrorKind::failure, sentence(failure, task, place(rank, host)), message_).what())) {}

namespace detail {
namespace {

struct Table {
  std::unordered_map<TaskId, Runner> runners;
  std::map<std::string, int> names;
  Digest digest;
};

/// Made when the first task registers itself, which is before main().
Table& table() {
  static Table all;
  return all;
}

/// What get() throws: a TaskError that is also an E.
template <class E>
class TaskErrorOf final : public E, public TaskError {
 public:
  explicit TaskErrorOf(const TaskError& error) requires std::is_constructible_v<E, const char*> : E(error.what()),
                                                                                                  TaskError(error) {}
  explicit TaskErrorOf(const TaskError& error) requires(!std::is_constructible_v<E, const char*>) : TaskError(error) {}
  [[nodiscard]] const char* what() const noexcept override { return TaskError::what(); }
};
template <>
class TaskErrorOf<Error> final : public Error, public TaskError {
 public:
  explicit TaskErrorOf(const TaskError& error) : Error(ErrorKind::failure, error.what()), TaskError(error) {}
  [[nodiscard]] const char* what() const noexcept override { return Error::what(); }
};

/// The standard types that arrive as such, those that derive from others first.
template <class... E>
struct StandardTypes {
  static std::uint32_t number_of(const std::exception& error) {
    std::uint32_t number = 0;
    const bool is_any = (... || (++number, dynamic_cast<const E*>(&error) != nullptr));
    return is_any ? number : 0;
  }
  static void throw_as(std::uint32_t wanted, const TaskError& error) {
    std::uint32_t number = 0;
    (throw_if<E>(++number == wanted, error), ...);
  }

 private:
  template <class One>
  static void throw_if(bool is_it, const TaskError& error) {
    if (is_it) throw TaskErrorOf<One>(error);
  }
};
using Standard =
    StandardTypes<std::domain_error, std::invalid_argument, std::length_error, std::out_of_range, std::logic_error,
                  std::range_error, std::overflow_error, std::underflow_error, std::runtime_error, std::bad_alloc>;

std::string name_of(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 ? name.get() : type.name();
}

}  // namespace

void throw_failure(const Outcome& outcome, const Failure& failure) {
  const TaskError error(failure.failure, failure.task, outcome.rank, outcome.host, failure.caught.message);
  Standard::throw_as(failure.caught.type, error);
  throw TaskErrorOf<Error>(error);
}

TaskId register_task(const char* name, Runner runner) {
  auto& all = table();
  const auto number = all.names[name]++;
  const auto bytes = std::as_bytes(std::span(std::string_view(name)));
  auto id = item_digest(number, bytes);
  while (!all.runners.emplace(id, runner).second) ++id;
  all.digest.add(item_digest(number, std::as_bytes(std::span(&id, 1))));
  return id;
}

Runner runner_of(TaskId task) {
  const auto& all = table();
  const auto found = all.runners.find(task);
  if (found == all.runners.end()) {
    throw Error(ErrorKind::failure, "a rank was sent a task that it does not have", "its program is another one",
                "start the same program on all ranks");
  }
  return found->second;
}

std::vector<TaskId> all_tasks() {
  std::vector<TaskId> tasks;
  for (const auto& [task, runner] : table().runners) tasks.push_back(task);
  return tasks;
}

std::uint64_t tasks_digest() { return table().digest.sum(); }

Caught current_exception() {
  try {
    throw;
  } catch (const std::exception& error) {
    return {error.what(), Standard::number_of(error)};
  } catch (...) {
    return {"an exception that is not a std::exception"};
  }
}

void throw_about(const char* what, std::size_t number, const std::type_info& type) {
  throw Error(ErrorKind::failure, fmt::format(fmt::runtime(what), number, name_of(type)), current_exception().message);
}

void throw_left_over(std::size_t bytes) {
  throw Error(ErrorKind::failure, fmt::format("{} bytes of it were not read", bytes),
              "its Serialiser reads less than it writes");
}

void throw_narrowed(std::size_t argument, const std::string& value) {
  throw Error(ErrorKind::usage, fmt::format("argument {} of a task does not fit", argument),
              fmt::format("the type of its parameter can't hold {}", value));
}

void check_not_negative(const char* what, std::int64_t number) {
  if (number < 0) throw Error(ErrorKind::usage, fmt::format("{} can't be {}", what, number), {}, "give 0 or more");
}

}  // namespace detail
}  // namespace paceline
