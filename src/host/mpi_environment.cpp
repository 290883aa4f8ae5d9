#include "host/mpi_environment.hpp"

#include <cstdlib>

#include "host/launch.hpp"

namespace paceline {

void choose_mpi_components() {
  // On one node shared memory is all that is used, and looking for networks takes half of the start (0.32 to 0.15 s).
  const auto here = launched();
  if (!here || here->is_one_node()) {
    setenv("OMPI_MCA_pml", "ob1", 0);
    // The same for one-sided calls, and for devices near which a rank could lie: what looks for them loads a dozen
    // libraries (48 to 35 ms of processor time).
    setenv("OMPI_MCA_osc", "^ucx,rdma,monitoring", 0);
    setenv("HWLOC_COMPONENTS", "-pci,-linuxpci,-linuxio,-gl,-opencl,-cuda,-nvml,-rsmi,-levelzero", 0);
    setenv("HWLOC_PLUGINS_BLACKLIST",
           "hwloc_pci,hwloc_xml_libxml,hwloc_gl,hwloc_opencl,hwloc_cuda,hwloc_nvml,hwloc_rsmi,hwloc_levelzero", 0);
  }
  // Without mpirun there is one rank, and no daemon is started for ranks that it might spawn (0.15 to 0.06 s). All such
  // ranks of a user have one name, so they must not have a session folder, which they would share.
  if (!here) {
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
  }
  // Ranks write disjoint consecutive pieces, so that MPI-IO need not collect them a second time (measured: 1.2 GB/s
  // with the default two-phase exchange, 3 and more with this).
  setenv("OMPI_MCA_fcoll", "individual", 0);
  // Shared file pointers are not used. This component tries locks on a file beside the result, which a rank that is
  // killed at that moment leaves there.
  setenv("OMPI_MCA_sharedfp", "^lockedfile", 0);
}

}  // namespace paceline
