// The writing thread of a rank, the only one that talks to MPI and HDF5 while the others compute: it gathers each band
// when it is passed, writes it, keeps other nodes supplied with chunks, and watches.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

#include "engine/bands.hpp"
#include "engine/board.hpp"
#include "engine/dispenser.hpp"
#include "engine/gather.hpp"
#include "engine/inputs.hpp"

namespace paceline {

class ResultFile;

struct WriterResult {
  double gather_s = 0;
  double write_s = 0;
  std::optional<Error> error;  ///< of this rank
};

/// Collective over `comm`, bands in order until all are written or, after a stop, until no rank has any items left.
/// Inputs that are streamed are read ahead meanwhile.
/// `gatherer`: nothing if no rank wants the items, `file`: nothing on ranks that write none. `meanwhile` is called
/// every few hundred microseconds.
WriterResult write_bands(const Plan& plan, const Comm& comm, Inputs& inputs, Bands& bands, const Board& board,
                         Dispenser& dispenser, Gatherer* gatherer, ResultFile* file,
                         const std::function<void()>& meanwhile);

}  // namespace paceline
