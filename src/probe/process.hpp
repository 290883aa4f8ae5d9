// When measuring begins and ends in this process.
#pragma once

#include "probe/thread.hpp"

namespace paceline::probe {

/// MPI_Init has returned, on this thread. What came before is forgotten: the program was not yet parallel. `rank` of
/// `ranks`; negative where MPI can't be asked.
void begin_ranks(int rank, int ranks);
/// MPI_Finalize begins, or the process ends. Writes the file if the process has used MPI or OpenMP; once.
void finish(bool is_finalized);
/// There is an OpenMP runtime, and we see its regions.
void note_openmp();

}  // namespace paceline::probe
