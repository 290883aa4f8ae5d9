// What those who wait check now and then: that no other thread can end their wait any more.
#pragma once

#include <chrono>

#include "library/sync/core.hpp"

namespace paceline::sync {

/// What of all ranks must be so for a wait to end.
enum class Needed {
  alive,
  present,  ///< and still using the domain
};
/// Puts a sentence into op.error if a rank is not as needed.
void check_ranks(Core& core, Operation& op, Needed needed);
/// Puts one there if a lock's holder won't give it back.
void check_holder(Core& core, Operation& op, std::chrono::nanoseconds waited);

/// Whether a rank is still there, as far as is known.
Life::Status status_of(Core& core, int rank);

}  // namespace paceline::sync
