// Items that came to nothing, of all ranks: how many there are, and which are the first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <paceline/comm.hpp>

#include "workloads/workload.hpp"

namespace paceline {

struct Failures {
  static constexpr std::size_t most_told = 20;
  std::int64_t count = 0;
  std::vector<Failure> first;  ///< in the order of items
};

/// Collective: every rank calls, with its own in any order; all get the same.
Failures gather_failures(const Comm& comm, std::vector<Failure> mine);

/// A line each of the first, and one for those that are left out.
std::string list(const Failures& failures);

}  // namespace paceline
