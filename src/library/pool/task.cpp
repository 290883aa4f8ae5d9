#include <paceline/task.hpp>

#include <fmt/format.h>

#include <map>
#include <unordered_map>

#include <paceline/digest.hpp>

namespace paceline {
namespace {

std::string sentence(TaskFailure failure, std::int64_t task, const std::string& where) {
  switch (failure) {
    case TaskFailure::threw: return fmt::format("task {} failed on {}", task, where);
    case TaskFailure::overran: return fmt::format("task {} did not return on {}", task, where);
    case TaskFailure::rank_lost: return fmt::format("task {} is lost with {}", task, where);
    default: return fmt::format("task {} was cancelled", task);
  }
}

std::string place(int rank, const std::string& host) {
  return host.empty() ? fmt::format("rank {}", rank) : fmt::format("rank {} on {}", rank, host);
}

}  // namespace

TaskError::TaskError(TaskFailure failure, std::int64_t task, int rank, const std::string& host, std::string message)
    : Error(ExitCode::failure, sentence(failure, task, place(rank, host)), message),
      failure_(failure),
      task_(task),
      rank_(rank),
      message_(std::move(message)) {}

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

}  // namespace

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
    throw Error(ExitCode::failure, "a rank was sent a task that it does not have", "its program is another one",
                "start the same program on all ranks");
  }
  return found->second;
}

std::uint64_t tasks_digest() { return table().digest.sum(); }

std::string current_message() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace detail
}  // namespace paceline
