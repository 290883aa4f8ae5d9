// What ldd prints for programs of each MPI.
#include "study/measure/mpi_library.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace paceline {
namespace {

namespace fs = std::filesystem;
using Family = MpiLibrary::Family;

std::optional<Family> family_in(const std::string& line) {
  const auto found =
      mpi_library_in("\tlinux-vdso.so.1 (0x00007ffd)\n\t" + line + "\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n");
  return found ? std::optional(found->family) : std::nullopt;
}

TEST(MpiLibrary, IsKnownByItsName) {
  EXPECT_EQ(family_in("libmpi.so.40 => /opt/openmpi/lib/libmpi.so.40 (0x00007f)"), Family::open_mpi);
  EXPECT_EQ(family_in("libmpich.so.12 => /usr/lib/x86_64-linux-gnu/libmpich.so.12 (0x00007f)"), Family::mpich);
  EXPECT_EQ(family_in("libmpi.so.12 => /opt/mpich/lib/libmpi.so.12 (0x00007f)"), Family::mpich);
  EXPECT_EQ(family_in("libmpi_cray.so.12 => /opt/cray/pe/lib64/libmpi_cray.so.12 (0x00007f)"), Family::mpich);
  EXPECT_FALSE(family_in("libmpi_cxx.so.40 => /usr/lib/libmpi_cxx.so.40 (0x00007f)"));
  EXPECT_FALSE(family_in("libmpi.so.40 => not found"));
  EXPECT_FALSE(family_in("libm.so.6 => /lib/libm.so.6 (0x00007f)"));
  EXPECT_EQ(mpi_library_in("libmpi.so.40 => /a/libmpi.so.40 (0x1)")->path, "/a/libmpi.so.40");
}

TEST(MpiLibrary, OfThisProgramIsTheOneItIsBuiltWith) {
  const auto library = mpi_library_of("/proc/self/exe");
  ASSERT_TRUE(library);
  EXPECT_TRUE(fs::exists(library->path)) << library->path;
  EXPECT_FALSE(launchers_beside(*library).empty()) << library->path;
}

TEST(MpiLibrary, IsNoneOfScriptsAndProgramsWithout) {
  EXPECT_FALSE(mpi_library_of("/bin/true"));
  EXPECT_FALSE(mpi_library_of("/etc/passwd"));
  EXPECT_FALSE(mpi_library_of("/no/such/program"));
  EXPECT_FALSE(mpi_library_of(""));
}

TEST(MpiLibrary, HasItsLauncherInItsPrefix) {
  std::string name = (fs::temp_directory_path() / "paceline-prefix-XXXXXX").string();
  const fs::path prefix = mkdtemp(name.data());
  fs::create_directories(prefix / "bin");
  fs::create_directories(prefix / "lib/deep");
  for (const char* file : {"bin/mpirun", "bin/mpirun.mpich", "lib/deep/libmpich.so.12"}) std::ofstream(prefix / file);
  auto found = launchers_beside({Family::mpich, prefix / "lib/deep/libmpich.so.12"});
  ASSERT_GE(found.size(), 2U);
  EXPECT_EQ(found[0], prefix / "bin/mpirun");
  EXPECT_EQ(found[1], prefix / "bin/mpirun.mpich");
  found = launchers_beside({Family::open_mpi, prefix / "lib/deep/libmpich.so.12"});
  EXPECT_EQ(std::count(found.begin(), found.end(), prefix / "bin/mpirun.mpich"), 0);
  fs::remove_all(prefix);
}

}  // namespace
}  // namespace paceline
