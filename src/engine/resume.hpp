// Which items an interrupted run has left in its file: believed only where their bytes still have their digest.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/digest.hpp>

#include "storage/result_file.hpp"

namespace paceline {

struct Resumed {
  std::vector<std::uint8_t> finished;  ///< per item, the same on every rank; empty: no item is
  std::int64_t items = 0;
  std::int64_t failed = 0;        ///< beside them: those that are there, came to nothing, and are tried again
  std::int64_t variable_end = 0;  ///< where variable bytes of these items end
  Digest digest;
};

/// Whether a finished item stands; if not, it failed.
using IsSettled = std::function<bool(std::span<const std::byte> bytes)>;

/// Collective over `world`. `file`: nothing on ranks that have none open; the others share the reading. `is_settled`,
/// if there is any, is asked about each item that is believed.
Resumed read_resumed(const Comm& world, const ResultFile* file, const ResultShape& shape, std::int64_t memory_limit,
                     const IsSettled& is_settled = {});

}  // namespace paceline
