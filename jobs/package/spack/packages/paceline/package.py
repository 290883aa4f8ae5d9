# A recipe for Spack (https://spack.io), 0.23 and newer, which know c and cxx as dependencies:
#   spack repo add DIR/jobs/package/spack
#   spack install --no-checksum paceline@0.2.0 ^openmpi     (the archive is one that you made: see url below)
# or, from the tree that this file is in: spack dev-build paceline@main
# With Spack 1.0 and newer CMakePackage and the like come from spack_repo.builtin.
try:
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:
    pass

from spack.package import *


class Paceline(CMakePackage):
    """Runs, measures and models hybrid MPI + OpenMP scaling: workloads whose
    result is the same for every layout of ranks and threads, studies of them
    and of any other program, laws of scaling, and the layout to use."""

    # The archive that `cpack --config CPackSourceConfig.cmake` makes, beside this file or where you keep it.
    homepage = "file:///paceline"
    url = "file:///paceline-0.2.0.tar.gz"

    license("Apache-2.0")

    version("main", branch="main")
    version("0.2.0")

    variant("tests", default=False, description="Build the tests")
    variant("plots", default=True, description="What paceline plot and report need to run")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.22:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi@3:")
    depends_on("hdf5@1.10:+mpi+hl")
    depends_on("highway@1.0:")
    depends_on("cli11@2.1:", type="build")
    depends_on("eigen@3.4:", type="build")
    depends_on("boost@1.74:+math", type="build")
    depends_on("nlohmann-json@3.11:", type="build")
    depends_on("fmt@9:")
    depends_on("isa-l")
    depends_on("libpng")
    depends_on("re2+shared")
    depends_on("zlib-api")
    depends_on("zstd")
    depends_on("hwloc@2.4:")
    depends_on("curl@7.85:")
    depends_on("xxhash", type="build")
    depends_on("googletest", type="build", when="+tests")
    with when("+plots"):
        depends_on("python@3.9:", type="run")
        depends_on("py-numpy", type="run")
        depends_on("py-h5py", type="run")
        depends_on("py-matplotlib", type="run")

    generator("ninja")

    conflicts("%gcc@:11", msg="Paceline is C++20 and is tested with GCC 12")

    def cmake_args(self):
        return [
            self.define_from_variant("PACELINE_TESTS", "tests"),
            self.define("PACELINE_BENCH", False),
            self.define("PACELINE_UNITY", True),
        ]

    def setup_run_environment(self, env):
        if self.spec.satisfies("+plots"):
            env.set("PACELINE_PYTHON", self.spec["python"].command.path)
