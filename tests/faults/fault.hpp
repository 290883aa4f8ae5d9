#pragma once

#include <sys/types.h>

#include <cstddef>

namespace faults {

/// What happens to a counted call. `error`: errno of a call that fails.
struct Fate {
  enum class Kind { pass, half, half_and_kill, lose, fail } kind = Kind::pass;
  int error = 0;
};

enum class Access { read, write };

/// Whether such calls on this file count.
bool is_chosen(const char* path, Access access = Access::write);

/// Counts one call on a chosen file and logs it; kills the process if that is the fault. Any thread may call.
Fate count(const char* call, const char* path, std::size_t bytes = 0, off_t offset = -1);

/// Ends the process as if power failed: no handler, no destructor, no flush.
[[noreturn]] void die();

}  // namespace faults
