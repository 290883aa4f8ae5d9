// Gathering a band: from the ranks that computed its items to the ranks that write them, without blocking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <paceline/comm.hpp>

#include "engine/bands.hpp"
#include "engine/messages.hpp"
#include "engine/plan.hpp"

namespace paceline {

/// What one rank has to write of a band: sorted runs in a buffer of bytes, one of digests, and one of records if they
/// are kept.
struct Gathered {
  std::vector<Run> runs;
  std::span<const std::byte> bytes;
  std::span<const std::uint64_t> digests;
  std::span<const ItemRecord> records;
};

class Gatherer {
 public:
  Gatherer(const Plan& plan, const Comm& comm, std::int64_t bytes_per_item,
           std::int64_t message_bytes = Messages::largest_message)
      : plan_(plan), comm_(comm), bytes_per_item_(bytes_per_item), message_bytes_(message_bytes) {}

  /// Collective: every rank calls, bands in the same order; a rank may have no items. `meanwhile` is called while
  /// waiting. What is returned is valid until the next call, and as long as `view` is.
  Gathered gather(std::int64_t band, const Bands::View& view, const std::function<void()>& meanwhile);

 private:
  const Plan& plan_;
  const Comm& comm_;
  std::int64_t bytes_per_item_;
  std::int64_t message_bytes_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::vector<std::uint64_t> digests_;
  std::vector<ItemRecord> records_;
};

}  // namespace paceline
