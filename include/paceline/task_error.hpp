// How a task can fail to give its result, as get() throws it on rank 0.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <paceline/error.hpp>

namespace paceline {

enum class TaskFailure : std::int32_t {
  threw,       ///< the task threw an exception
  overran,     ///< it did not return within PoolOptions::task_s
  terminated,  ///< by Future::terminate(), while it ran
  rank_lost,   ///< the rank that it was on died, or was silent for PoolOptions::silence_s
  cancelled,   ///< by Future::cancel(), or because the pool was destroyed before the task was begun
};

/// Names the task by its number (of the input in map() and imap(), of the call in submit()), the rank and the host.
///
/// What is thrown is a TaskError and also an exception of the standard type that the task threw (std::out_of_range ...;
/// of a type of one's own, the nearest standard one that it derives from), or an Error in all other cases. So each of
/// these catches it: `const TaskError&`, `const std::out_of_range&`, `const std::exception&`.
class TaskError {
 public:
  TaskError(TaskFailure failure, std::int64_t task, int rank, const std::string& host, std::string message);
  virtual ~TaskError() = default;

  [[nodiscard]] TaskFailure failure() const { return failure_; }
  [[nodiscard]] std::int64_t task() const { return task_; }
  [[nodiscard]] int rank() const { return rank_; }  ///< of the pool's communicator; -1: the task was on none
  /// what() of the exception that the task threw.
  [[nodiscard]] const std::string& message() const { return message_; }
  /// The whole sentence.
  [[nodiscard]] virtual const char* what() const noexcept { return text_->c_str(); }

 private:
  TaskFailure failure_;
  std::int64_t task_;
  int rank_;
  std::string message_;
  std::shared_ptr<const std::string> text_;
};

}  // namespace paceline
