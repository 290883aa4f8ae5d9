// The compute phase of one rank: a team of OpenMP threads that claim chunks until there are none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "engine/bands.hpp"
#include "engine/dispenser.hpp"
#include "engine/inputs.hpp"
#include "engine/node_state.hpp"
#include "workloads/workload.hpp"

namespace paceline {

struct ComputeResult {
  std::vector<double> busy_s;    ///< per thread: seconds inside the workload
  std::vector<double> useful_s;  ///< per thread: these, and digests
  double make_s = 0;             ///< of the thread that spent most: inputs made just in time
  double digest_s = 0;           ///< of the thread that spent most
  std::int64_t items = 0;
  std::int64_t bytes = 0;  ///< of these items
  Work work;
  Digest digest;
  std::optional<Error> error;  ///< the first exception of any thread
};

/// What the threads of a rank work with.
struct ComputeContext {
  const Plan& plan;
  const Workload& workload;
  const Inputs& inputs;
  Dispenser& dispenser;
  Bands& bands;
  const NodeState& node_state;
  /// Not 0 for items that a former run has finished; empty: none has.
  const std::vector<std::uint8_t>& skip;
  int workers = 1;             ///< of this rank: no more than the plan gives each
  Waiting* waiting = nullptr;  ///< of a workload whose workers wait
};

/// Stops early, without an error, when another rank of the node or a signal says so.
ComputeResult compute(const ComputeContext& context);

}  // namespace paceline
