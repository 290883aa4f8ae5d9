// Reading what may be damaged: in a child process, which may crash or hang in place of this one.
//
// HDF5 checks little of what it reads. A flipped byte in its own structures can make it loop for ever, or follow an
// address that leads nowhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace paceline {

struct ReadLimits {
  double seconds = 20;
  std::int64_t memory_bytes = std::int64_t{1} << 30;  ///< beyond what this process has already
};

/// Calls `read` in a child process and returns what it returned. Throws the Error that `read` threw, or Error (failure)
/// saying that the child crashed, took too long or wanted too much memory. What the child prints is lost.
/// Not for a process with other threads.
std::vector<std::byte> read_in_child(const std::function<std::vector<std::byte>()>& read,
                                     const ReadLimits& limits = {});

}  // namespace paceline
