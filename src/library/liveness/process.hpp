// Whether a process of this node is there.
#pragma once

#include <cstdint>

namespace paceline {

/// False when the process has ended.
bool is_alive(std::int64_t pid);

}  // namespace paceline
