#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: bash tests/run.sh [--sanitize] [ctest options].
# --sanitize: the unit tests again under AddressSanitizer and UBSan, in a build of their own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=jobs/setup.sh
source jobs/setup.sh

install_packages "${build_packages[@]}" "${plot_packages[@]}" "${test_packages[@]}"
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
configure "$preset"
build "$folder" --target "${targets[@]}"
ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
