#include "library/sync/seat.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <paceline/error.hpp>

namespace paceline::sync {
namespace {

void give_back(const Seat& seat) {
  const auto seats = seat.seats.lock();
  if (!seats) return;
  const std::lock_guard lock(seats->mutex);
  if (seat.held == 0) {
    seats->taken[seat.agent - seats->first] = false;
  } else if (seats->agents != nullptr) {
    // The seat stays taken: it is what those who wait see of the holder.
    seats->agents[seat.agent].ended = 1;
  } else {
    seats->ended.push_back(seat.agent);
  }
}

struct OwnSeats {
  std::vector<std::unique_ptr<Seat>> all;
  OwnSeats() = default;
  OwnSeats(const OwnSeats&) = delete;
  OwnSeats& operator=(const OwnSeats&) = delete;
  ~OwnSeats() {
    for (const auto& seat : all) give_back(*seat);
  }
};

thread_local OwnSeats own_seats;
thread_local Seat* last_seat = nullptr;  // nearly always the right one

}  // namespace

Seat& seat_of_this_thread(const std::shared_ptr<Seats>& seats) {
  // A site that is gone may have left its address to a new one: then its seat has expired.
  if (last_seat != nullptr && last_seat->key == seats.get() && !last_seat->seats.expired()) return *last_seat;
  last_seat = nullptr;
  auto& all = own_seats.all;
  std::erase_if(all, [](const auto& seat) { return seat->seats.expired(); });
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& seat) { return seat->key == seats.get(); });
  if (found != all.end()) return *(last_seat = found->get());
  const std::lock_guard lock(seats->mutex);
  const auto place = std::find(seats->taken.begin(), seats->taken.end(), false);
  if (place == seats->taken.end()) {
    throw Error(ExitCode::failure, "too many threads of one rank use shared state",
                fmt::format("there is room for {}", seats->taken.size()), "raise SiteOptions::threads_per_rank");
  }
  *place = true;
  auto seat = std::make_unique<Seat>();
  seat->seats = seats;
  seat->key = seats.get();
  seat->agent = seats->first + static_cast<AgentId>(place - seats->taken.begin());
  all.push_back(std::move(seat));
  return *(last_seat = all.back().get());
}

}  // namespace paceline::sync
