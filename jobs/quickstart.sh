#!/usr/bin/env bash
# From a fresh Debian 12 machine to a picture: installs what is missing, builds, and computes the lessons' fractal on
# all cores. Needs root or sudo only if packages are missing. Makes build/paceline, fractal.h5 and fractal.png here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=jobs/setup.sh
source jobs/setup.sh

install_packages "${build_packages[@]}" "${plot_packages[@]}"
[[ -f build/build.ninja ]] || configure quickstart
build build --target paceline
cores=$(own_cores)
echo "+ mpirun -np $cores build/paceline fractal -o fractal.h5 --png fractal.png --force $*"
mpirun -np "$cores" build/paceline fractal -o fractal.h5 --png fractal.png --force "$@"
