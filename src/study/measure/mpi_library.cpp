#include "study/measure/mpi_library.hpp"

#include <array>
#include <sstream>
#include <string_view>

#include "study/measure/process.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// Libraries of the C interface have the number of their ABI behind their name: https://www.mpich.org/abi/ and the
/// SONAME that Open MPI has had from version 2.
std::optional<MpiLibrary::Family> family_of(std::string_view name) {
  if (name == "libmpi.so.40" || name == "libmpi.so.20") return MpiLibrary::Family::open_mpi;
  const bool has_abi_12 = name.ends_with(".so.12") && name.starts_with("libmpi");  // libmpi_cray.so.12, too
  if (name.starts_with("libmpich.so") || has_abi_12) return MpiLibrary::Family::mpich;
  return std::nullopt;
}

}  // namespace

const char* to_string(MpiLibrary::Family family) {
  return family == MpiLibrary::Family::open_mpi ? "Open MPI" : "MPICH";
}

std::optional<MpiLibrary> mpi_library_in(const std::string& ldd_output) {
  std::istringstream lines(ldd_output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);  // NAME => PATH (ADDRESS)
    std::string name, arrow, path;
    words >> name >> arrow >> path;
    const auto family = family_of(name);
    if (!family || arrow != "=>" || !path.starts_with('/')) continue;
    return MpiLibrary{*family, path};
  }
  return std::nullopt;
}

std::optional<MpiLibrary> mpi_library_of(const fs::path& program) {
  if (program.empty() || find_program("ldd").empty()) return std::nullopt;
  std::error_code code;
  const auto file = fs::canonical(program, code);  // ldd's own is another /proc/self/exe
  if (code) return std::nullopt;
  const auto told = run_process({"ldd", file.string()}, {}, {.timeout_s = 60});
  if (!told.is_ok()) return std::nullopt;  // "not a dynamic executable"
  auto library = mpi_library_in(told.out);
  if (!library) return std::nullopt;
  if (const auto path = fs::canonical(library->path, code); !code) library->path = path;
  return library;
}

std::vector<fs::path> launchers_beside(const MpiLibrary& library) {
  const bool is_open_mpi = library.family == MpiLibrary::Family::open_mpi;
  // Where two MPIs share a folder, Debian puts their names behind.
  const auto names = is_open_mpi ? std::array{"mpirun", "mpirun.openmpi", "orterun"}
                                 : std::array{"mpirun", "mpirun.mpich", "mpiexec.hydra"};
  std::vector<fs::path> found;
  std::error_code code;
  for (auto folder = library.path.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
    for (const char* name : names) {
      if (const auto file = folder / "bin" / name; fs::exists(file, code)) found.push_back(file);
    }
  }
  return found;
}

}  // namespace paceline
