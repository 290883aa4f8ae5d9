// Errors as a user reads them: what went wrong, why, what to do, and the exit code.
#pragma once

#include <exception>
#include <string>

namespace paceline {

/// Exit codes of the program; scripts rely on them.
enum class ExitCode : int {
  done = 0,
  failure = 1,      ///< anything not below
  usage = 2,        ///< wrong command line or option value
  input = 3,        ///< an input file is missing, unreadable, damaged or of the wrong shape
  output = 4,       ///< the output can't be written
  check = 5,        ///< a check failed: --verify, or digests that differ
  interrupted = 6,  ///< interrupted with its state saved; --resume goes on
};

/// One sentence for the user: `PROBLEM (WHY); SUGGESTION`. WHY and SUGGESTION may be empty.
class Error : public std::exception {
 public:
  Error(ExitCode code, std::string problem, std::string why = {}, std::string suggestion = {})
      : code_(code), text_(std::move(problem)) {
    if (!why.empty()) text_ += " (" + why + ")";
    if (!suggestion.empty()) text_ += "; " + suggestion;
  }

  /// An error as another rank told it: the whole sentence, already composed.
  static Error told(ExitCode code, std::string sentence) { return {code, std::move(sentence)}; }

  [[nodiscard]] ExitCode code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  ExitCode code_;
  std::string text_;
};

/// An error that every rank of the job throws at the same place, so that all can finalise in order.
/// Any other exception is one rank's own and must bring the job down.
class AgreedError : public Error {
 public:
  explicit AgreedError(const Error& error) : Error(error) {}
};

}  // namespace paceline
