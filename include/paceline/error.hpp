// Errors as a user reads them: what went wrong, why, what to do, and of which kind it is.
#pragma once

#include <exception>
#include <string>

namespace paceline {

enum class ErrorKind {
  failure,      ///< anything not below
  usage,        ///< an argument or option is wrong
  input,        ///< an input file is missing, unreadable, damaged or of the wrong shape
  output,       ///< the output can't be written
  check,        ///< a result is not what it has to be
  interrupted,  ///< interrupted with its state saved
};

/// One sentence for the user: `PROBLEM (WHY); SUGGESTION`. WHY and SUGGESTION may be empty.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string problem, std::string why = {}, std::string suggestion = {})
      : kind_(kind), text_(std::move(problem)) {
    if (!why.empty()) text_ += " (" + why + ")";
    if (!suggestion.empty()) text_ += "; " + suggestion;
  }

  /// An error as another rank told it: the whole sentence, already composed.
  static Error told(ErrorKind kind, std::string sentence) { return {kind, std::move(sentence)}; }

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorKind kind_;
  std::string text_;
};

/// An error that every rank of the job throws at the same place, so that all can finalise in order.
/// Any other exception is one rank's own and must bring the job down.
class AgreedError : public Error {
 public:
  explicit AgreedError(const Error& error) : Error(error) {}
};

}  // namespace paceline
