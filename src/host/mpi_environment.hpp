// What Open MPI is told before it starts: components that suit runs of this program. A user's own choice stays.
#pragma once

namespace paceline {

/// Sets OMPI_MCA_* variables that are not set yet. Called by main() before MPI_Init, while there is one thread.
void choose_mpi_components();

}  // namespace paceline
