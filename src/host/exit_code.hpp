// Exit codes of the program; scripts rely on them.
#pragma once

#include <paceline/error.hpp>

namespace paceline {

enum class ExitCode : int {
  done = 0,
  failure = 1,      ///< anything not below
  usage = 2,        ///< wrong command line or option value
  input = 3,        ///< an input file is missing, unreadable, damaged or of the wrong shape
  output = 4,       ///< the output can't be written
  check = 5,        ///< a check failed: --verify, or digests that differ
  interrupted = 6,  ///< interrupted with its state saved; --resume goes on
};

constexpr ExitCode exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return ExitCode::usage;
    case ErrorKind::input: return ExitCode::input;
    case ErrorKind::output: return ExitCode::output;
    case ErrorKind::check: return ExitCode::check;
    case ErrorKind::interrupted: return ExitCode::interrupted;
    case ErrorKind::failure: break;
  }
  return ExitCode::failure;
}

}  // namespace paceline
