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
  Digest digest;
};

/// What is done with a finished parcel.
using LookAt = std::function<void(std::int64_t item, std::span<const std::byte> parcel)>;

/// Collective over `world`. `file`: nothing on ranks that have none open; the others share the reading. `look`, if
/// there is any, is called with each parcel that is believed.
Resumed read_resumed(const Comm& world, const ResultFile* file, const ResultShape& shape, std::int64_t memory_limit,
                     const LookAt& look = {});

}  // namespace paceline
