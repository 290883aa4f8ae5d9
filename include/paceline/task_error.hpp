// How a task can fail to give its result, as get() throws it on rank 0.
#pragma once

#include <cstdint>
#include <string>

#include <paceline/error.hpp>

namespace paceline {

enum class TaskFailure : std::int32_t {
  threw,      ///< the task threw an exception
  overran,    ///< it did not return within PoolOptions::task_s
  rank_lost,  ///< the rank that it was on died, or fell silent for PoolOptions::silence_s
  cancelled,  ///< by Future::cancel(), or because the pool was destroyed before the task was begun
};

/// Names the task by its number (of the input in map() and imap(), of the call in submit()), the rank and the host.
class TaskError : public Error {
 public:
  TaskError(TaskFailure failure, std::int64_t task, int rank, const std::string& host, std::string message);

  [[nodiscard]] TaskFailure failure() const { return failure_; }
  [[nodiscard]] std::int64_t task() const { return task_; }
  [[nodiscard]] int rank() const { return rank_; }  ///< of the pool's communicator; -1: the task was on none
  /// what() of the exception that the task threw.
  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  TaskFailure failure_;
  std::int64_t task_;
  int rank_;
  std::string message_;
};

}  // namespace paceline
