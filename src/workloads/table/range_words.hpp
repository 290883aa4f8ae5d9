// What is known of a range as numbers, which ranks exchange.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workloads/table/records.hpp"

namespace paceline::table {

/// As many for each range of a file.
std::vector<std::int64_t> words_of(const RangeFacts& facts);
RangeFacts facts_of(std::span<const std::int64_t> words);

}  // namespace paceline::table
