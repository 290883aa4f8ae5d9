// How a run fails: in one line, once, with the right exit code, and without hanging.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

#include "host/exit_code.hpp"
#include "host/say.hpp"

namespace paceline {

/// For an error of this rank alone: names the rank and ends the job, since the others may be waiting for it.
[[noreturn]] inline void fail_alone(const Comm& world, ErrorKind kind, const char* sentence) {
  complain(world.size() == 1 ? std::string(sentence) : fmt::format("rank {}: {}", world.rank(), sentence));
  world.abort(static_cast<int>(exit_code_of(kind)));
}

/// Calls `action`. Agreed errors pass; any other one ends the job before destructors wait for other ranks.
template <class Action>
auto or_abort(const Comm& world, Action&& action) {
  try {
    return action();
  } catch (const AgreedError&) {
    throw;
  } catch (const Error& error) {
    fail_alone(world, error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    fail_alone(world, ErrorKind::failure,
               "out of memory (an allocation failed); lower --memory-limit or use fewer ranks per node");
  } catch (const std::exception& error) {
    fail_alone(world, ErrorKind::failure, unexpected(error).c_str());
  }
}

}  // namespace paceline
