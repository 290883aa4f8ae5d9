// Gathering parcels: items of variable size, from the ranks that made them to rank 0, without blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/parcel.hpp>

#include "run/messages.hpp"

namespace paceline {

/// Collective over `comm`; a rank may have none. `write` is called on rank 0 alone, with sorted parcels of one rank at
/// a time, so that it never holds more than those of two. `meanwhile` is called while waiting.
void gather_parcels(const Comm& comm, std::vector<Parcel> mine,
                    const std::function<void(const std::vector<Parcel>&)>& write,
                    const std::function<void()>& meanwhile, std::int64_t message_bytes = Messages::largest_message);

}  // namespace paceline
