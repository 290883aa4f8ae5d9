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

/// What one rank has to write of a band: sorted runs in a buffer of bytes and one of marks.
struct Gathered {
  std::vector<Run> runs;
  std::span<const std::byte> bytes;
  std::span<const ItemMark> marks;
};

class Gatherer {
 public:
  Gatherer(const Plan& plan, const ResultShape& shape, const Comm& comm,
           std::int64_t message_bytes = Messages::largest_message)
      : plan_(plan), shape_(shape), comm_(comm), message_bytes_(message_bytes) {}

  /// Collective: every rank calls, bands in the same order; a rank may have no items. `meanwhile` is called while
  /// waiting. What is returned is valid until the next call, and as long as `view` is.
  Gathered gather(std::int64_t band, const Bands::View& view, const Meanwhile& meanwhile);
  Gathered gather(std::int64_t band, Bands::View&& view, const Meanwhile& meanwhile) = delete;

  /// Collective: the variable bytes of all ranks to rank 0, in batches of a few megabytes, each given to `write` there.
  /// A rank may have none.
  void gather_variable(std::span<const VariableRun> mine,
                       const std::function<void(std::span<const VariableRun>)>& write, const Meanwhile& meanwhile);

 private:
  [[nodiscard]] Gathered sorted(const Bands::View& view);
  std::span<std::byte> some(std::size_t bytes);

  const Plan& plan_;
  const ResultShape& shape_;
  const Comm& comm_;
  std::int64_t message_bytes_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::vector<ItemMark> marks_;
};

}  // namespace paceline
