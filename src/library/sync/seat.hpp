// Threads as a site knows them: each that uses it takes a seat, and gives it back when it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "library/sync/record.hpp"

namespace paceline::sync {

/// All seats of this rank at one site.
struct Seats {
  Seats(int count, AgentId first_agent) : first(first_agent), taken(static_cast<std::size_t>(count)) {}

  std::mutex mutex;
  AgentId first;  ///< that of seat 0
  std::vector<bool> taken;
  Agent* agents = nullptr;     ///< at home, while the site lives
  std::vector<AgentId> ended;  ///< elsewhere: threads that ended with a lock in hand, still to be told
};

struct Seat {
  std::weak_ptr<Seats> seats;
  const Seats* key = nullptr;
  AgentId agent = 0;
  std::uint32_t held = 0;  ///< locks
};

/// Throws Error when there is none left.
Seat& seat_of_this_thread(const std::shared_ptr<Seats>& seats);

}  // namespace paceline::sync
