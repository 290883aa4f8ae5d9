# What a machine needs, by the names of Debian's packages. Sourced by jobs/quickstart.sh, tests/run.sh and the containers of
# jobs/package.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the lists are read by who sources this

build_packages=(
  g++ cmake ninja-build pkg-config
  libopenmpi-dev openmpi-bin openssh-client
  libhdf5-openmpi-dev libhwloc-dev libhwy-dev libpng-dev zlib1g-dev libzstd-dev libisal-dev
  libcli11-dev libcurl4-openssl-dev ca-certificates libeigen3-dev libfmt-dev nlohmann-json3-dev libxxhash-dev
  libboost-math-dev libre2-dev
)
deb_packages=(dpkg-dev file)  # for the Debian package that cpack makes
plot_packages=(python3-numpy python3-h5py python3-matplotlib)
test_packages=(
  libgtest-dev libbenchmark-dev libcereal-dev hdf5-tools python3-dask python3-pandas python3-pil openssl shellcheck clang-format chromium chktex
  # For what is installed beside the program.
  zsh fish man-db groff-base debootstrap tcl
  munge slurmctld slurmd slurm-client iproute2
  # For the probe: other compilers and MPIs than the build's, and real programs.
  gfortran clang libomp-dev mpich libmpich-dev libhdf5-mpich-dev lammps quantum-espresso python3-mpi4py g++-aarch64-linux-gnu qemu-user
)

# Installs those of the named packages that are missing; silent, and without asking for a password, when there are none.
install_packages() {
  local missing=() name root=()
  command -v dpkg-query >/dev/null || {
    echo "paceline: this is no Debian; install by hand what is missing of: $*" >&2
    return 0
  }
  for name in "$@"; do
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" == installed ]] || missing+=("$name")
  done
  ((${#missing[@]} == 0)) && return 0
  echo "paceline: installing ${missing[*]}"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || {
      echo "paceline: error: packages are missing (${missing[*]}); ask an administrator or install sudo" >&2
      return 1
    }
    root=(sudo)
  fi
  # A lock that another installation holds is waited for.
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq)
  "${apt[@]}" update </dev/null >/dev/null
  "${apt[@]}" install --no-install-recommends -y "${missing[@]}" </dev/null >/dev/null
}

# Configures by a preset of CMakePresets.json, showing what CMake says only if it fails.
configure() {
  local log
  log=$(cmake --preset "$1" 2>&1) || {
    echo "$log" >&2
    return 1
  }
}

# Builds what has changed in a configured folder: build FOLDER [CMAKE OPTIONS ...].
build() {
  echo "paceline: building in $1"
  cmake --build "$@" -- --quiet
}

# Cores that this process may use, which in a container or a job may be fewer than the machine's. mpirun has a place for
# each of them and none more for its second hardware thread, which nproc counts.
own_cores() {
  local allowed # "0-3,8"
  allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
  lscpu -p=CPU,CORE,SOCKET | awk -F, -v allowed="$allowed" '
    BEGIN {
      for (k = split(allowed, ranges, ","); k > 0; --k) {
        n = split(ranges[k], ends, "-")
        for (cpu = ends[1] + 0; cpu <= ends[n] + 0; ++cpu) is_ours[cpu] = 1
      }
    }
    !/^#/ && ($1 + 0) in is_ours && !seen[$2, $3]++ { ++cores }
    END { print(cores > 0 ? cores : 1) }'
}

# Open MPI refuses to start as root unless told twice; containers and test machines are root.
if ((EUID == 0)); then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
