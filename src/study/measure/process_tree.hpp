// The processes that this one has started, and those that they have.
#pragma once

namespace paceline {

/// Makes this process the parent of every descendant that loses its own, so that none gets away.
void adopt_orphans();
/// Kills every descendant and waits for it. Those that somebody else waits for must have ended before.
void kill_descendants();

}  // namespace paceline
