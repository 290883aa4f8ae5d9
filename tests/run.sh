#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: bash tests/run.sh [--sanitize] [ctest options].
# --sanitize: the unit tests again under AddressSanitizer and UBSan, in a build of their own.
# --mpich: the program with MPICH, beside the build with Open MPI, and the tests of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=jobs/setup.sh
source jobs/setup.sh

install_packages "${build_packages[@]}" "${deb_packages[@]}" "${plot_packages[@]}" "${test_packages[@]}"
preset=release
folder=build
targets=(all)
# Warnings are errors where changes are judged, not where a newer compiler has new ones.
[[ "${CI-}" == true ]] && preset=ci
if [[ "${1-}" == --sanitize ]]; then
  shift
  preset=sanitize
  folder=build-sanitize
  targets=(unit_tests rank_tests)
  set -- --tests-regex '^(unit|ranks)' "$@"
fi
if [[ "${1-}" == --mpich ]]; then
  shift
  preset=mpich
  folder=build-mpich
  targets=(paceline)
  set -- --tests-regex '^program\.(mpich|layouts|oracle|array|files|faults|resume|table|csv|inputs|fetch|fetch_resume)$' "$@"
fi
configure "$preset"
build "$folder" --target "${targets[@]}"
ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
