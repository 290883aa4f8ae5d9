// Which MPI library a program is linked with: ranks that another MPI's mpirun starts are each rank 0 of 1.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paceline {

struct MpiLibrary {
  enum class Family { open_mpi, mpich };
  Family family = Family::open_mpi;
  std::filesystem::path path;  ///< of the library's file
};

/// "Open MPI", "MPICH"
const char* to_string(MpiLibrary::Family family);

/// What the dynamic loader finds for the program. Nothing for scripts, static programs, and programs without MPI.
std::optional<MpiLibrary> mpi_library_of(const std::filesystem::path& program);

/// The same in what `ldd` prints: Open MPI is libmpi.so.40, MPICH and what has its ABI is libmpich.so.12, libmpi.so.12.
std::optional<MpiLibrary> mpi_library_in(const std::string& ldd_output);

/// Files that may be the library's mpirun: in the bin folder of each folder that it lies in, nearest first.
std::vector<std::filesystem::path> launchers_beside(const MpiLibrary& library);

}  // namespace paceline
