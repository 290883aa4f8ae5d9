// Gathering parcels: items of variable size, from the ranks that made them to rank 0, without blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <paceline/comm.hpp>

#include "engine/messages.hpp"
#include "storage/parcel.hpp"

namespace paceline {

struct ParcelSteps {
  /// On rank 0 alone, with sorted parcels of one rank.
  std::function<void(std::vector<Parcel>)> write;
  /// On the rank that brought them, when parcels of so many bytes are sent or written.
  std::function<void(std::int64_t bytes)> gone;
  /// While waiting.
  std::function<void()> meanwhile;
};

/// Collective over `comm`; a rank may have none. Parcels go in batches of so many bytes, a larger one by itself: beside
/// its own, rank 0 holds no more than a batch.
void gather_parcels(const Comm& comm, std::vector<Parcel> mine, std::int64_t batch_bytes, const ParcelSteps& steps,
                    std::int64_t message_bytes = Messages::largest_message);

}  // namespace paceline
