// The writing thread of a rank, the only one that talks to MPI and HDF5 while the others compute: it gathers bands,
// writes them when they are complete or when it is time to save, and keeps other nodes supplied with chunks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

#include "engine/bands.hpp"
#include "engine/dispenser.hpp"
#include "engine/gather.hpp"
#include "engine/inputs.hpp"
#include "engine/node_state.hpp"
#include "workloads/memory_budget.hpp"

namespace paceline {

class ResultFile;

struct WriterResult {
  double gather_s = 0;
  double write_s = 0;
  std::optional<Error> error;  ///< of this rank
};

/// What the writing thread of a rank works with. Where pointers are null nothing is done.
struct WriterContext {
  const Plan& plan;
  const ResultShape& shape;
  const Comm& comm;  ///< its own: its collectives don't mix with anyone's
  Inputs& inputs;
  Bands& bands;
  const NodeState& node_state;
  Dispenser& dispenser;
  Gatherer* gatherer = nullptr;             ///< if any rank wants the items
  ResultFile* file = nullptr;               ///< on ranks that write
  MemoryBudget* variable = nullptr;         ///< of variable bytes: those that are written are given back
  std::int64_t variable_end = 0;            ///< where a former run's variable bytes end
  double save_every_s = 30;                 ///< items are written at least so often, whole bands or not
  std::function<void()> meanwhile = [] {};  ///< called every few hundred microseconds
};

/// Collective over the context's communicator, bands in order until all are written or, after a stop, until no rank
/// has any items left. Inputs that are streamed are read ahead meanwhile.
WriterResult write_bands(const WriterContext& context);

}  // namespace paceline
