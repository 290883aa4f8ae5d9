// Dates and times as numbers.
#pragma once

#include <string_view>

#include "workloads/table/field.hpp"

namespace paceline::table {

/// CF-1.10, section 4.4; times without a zone are taken as UTC.
inline constexpr std::string_view time_units = "microseconds since 1970-01-01 00:00:00 UTC";

/// Of ISO 8601: 2024-02-29, or with a time behind T or a space, 12:30, 12:30:15 or 12:30:15.25, and a zone, Z, +01:00,
/// +0100 or +01. An integer in time_units, or Kind::text: it is no time, or has parts of microseconds. Spaces around it
/// don't count.
Number parse_time(std::string_view field);

}  // namespace paceline::table
