// What those who wait look for now and then: that nobody can end their wait any more.
#pragma once

#include <chrono>

#include "library/sync/core.hpp"

namespace paceline::sync {

/// Puts a sentence into op.error if it can wait no longer: a rank has died, or a lock's holder won't give it back. A
/// deadlock is told to all its members by their bells instead, this one too.
void look(Core& core, Operation& op, std::chrono::nanoseconds waited);

/// Whether a rank is still there, as far as is known.
Life::Status status_of(Core& core, int rank);

}  // namespace paceline::sync
