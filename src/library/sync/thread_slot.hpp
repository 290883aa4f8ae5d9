// Threads as a domain knows them: each that uses it takes a slot, and gives it back when it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "library/sync/object_state.hpp"

namespace paceline::sync {

/// All slots of this rank at one domain.
struct ThreadSlots {
  ThreadSlots(int count, AgentId first_agent) : first(first_agent), taken(static_cast<std::size_t>(count)) {}

  std::mutex mutex;
  AgentId first;  ///< that of slot 0
  std::vector<bool> taken;
  Agent* agents = nullptr;     ///< at home, while the domain lives
  std::vector<AgentId> ended;  ///< elsewhere: threads that ended with a lock in hand, still to be told
};

struct ThreadSlot {
  std::weak_ptr<ThreadSlots> slots;
  const ThreadSlots* key = nullptr;
  AgentId agent = 0;
  std::uint32_t held = 0;  ///< locks
};

/// Throws Error when there is none left.
ThreadSlot& slot_of_this_thread(const std::shared_ptr<ThreadSlots>& slots);

}  // namespace paceline::sync
