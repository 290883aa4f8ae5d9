// Items that came to nothing, of all ranks: how many there are, and which are the first.
#pragma once

#include <cstdint>
#include <filesystem>
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

/// Lists them on rank 0, and throws AgreedError (check) if there are any: the result is complete, but not all of it is
/// what was wanted. `output`: of the run, or empty. Every rank calls, with the same.
void fail_if_items_did(const Comm& comm, const Failures& failures, std::int64_t items,
                       const std::filesystem::path& output);

}  // namespace paceline
