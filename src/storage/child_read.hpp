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
  double seconds = 20;                                ///< of computing
  std::int64_t memory_bytes = std::int64_t{1} << 30;  ///< beyond what this process has already
};

/// Calls `read` in a child process and returns what it returned. Throws the Error that `read` threw, or Error saying
/// that the child crashed or took too long (failure), or wanted too much memory (input). What the child prints is lost.
std::vector<std::byte> read_in_child(const std::function<std::vector<std::byte>()>& read,
                                     const ReadLimits& limits = {});

}  // namespace paceline
