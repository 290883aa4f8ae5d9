// The compute phase of one rank: a team of OpenMP threads that claim chunks until there are none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "engine/bands.hpp"
#include "engine/board.hpp"
#include "engine/dispenser.hpp"
#include "engine/inputs.hpp"
#include "workloads/workload.hpp"

namespace paceline {

struct ComputeResult {
  std::vector<double> busy_s;  ///< per thread: seconds inside the workload
  double make_s = 0;           ///< of the thread that spent most: inputs made just in time
  double digest_s = 0;         ///< of the thread that spent most
  std::int64_t items = 0;
  std::int64_t bytes = 0;  ///< of these items
  Work work;
  Digest digest;
  std::optional<Error> error;  ///< the first exception of any thread
};

/// `skip[item]` is not 0 for items that a former run has finished; empty: none has.
/// `workers`: of this rank, if they are fewer than the plan gives each. Stops early, without an error, when the board
/// or a signal says so.
ComputeResult compute(const Plan& plan, const Workload& workload, const Inputs& inputs, Dispenser& dispenser,
                      Bands& bands, const Board& board, const std::vector<std::uint8_t>& skip,
                      std::optional<int> workers = {});

}  // namespace paceline
