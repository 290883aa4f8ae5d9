# What `cpack` makes in a build folder: a Debian package, or an archive where dpkg-dev or file is missing; and the source
# archive by `cpack --config CPackSourceConfig.cmake`.
find_program(PACELINE_DPKG_SHLIBDEPS dpkg-shlibdeps)
find_program(PACELINE_FILE file)
mark_as_advanced(PACELINE_DPKG_SHLIBDEPS PACELINE_FILE)

set(CPACK_PACKAGE_NAME paceline)
set(CPACK_PACKAGE_CONTACT "Paceline developers <paceline@localhost>" CACHE STRING "Who keeps the package: NAME <MAIL>")
set(CPACK_PACKAGE_DESCRIPTION "Workloads whose result is the same for every layout of ranks and threads, studies of \
them and of any other program, laws of scaling with their intervals, and the layout to use.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_RESOURCE_FILE_README ${PROJECT_SOURCE_DIR}/README.md)
set(CPACK_STRIP_FILES ON)

if(PACELINE_DPKG_SHLIBDEPS AND PACELINE_FILE)
  set(CPACK_GENERATOR DEB)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION science)
  # Libraries by themselves; the launcher is none.
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  if(MPI_CXX_LIBRARY_VERSION_STRING MATCHES "MPICH" OR MPIEXEC_EXECUTABLE MATCHES "mpich" OR PACELINE_MPI STREQUAL mpich)
    set(CPACK_DEBIAN_PACKAGE_DEPENDS "mpich")
    set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libmpich-dev, libfmt-dev, slurm-client")
  else()
    set(CPACK_DEBIAN_PACKAGE_DEPENDS "openmpi-bin")
    set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libopenmpi-dev, libfmt-dev, slurm-client")
  endif()
  # For plots and reports.
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3-h5py, python3-matplotlib, python3-numpy")
else()
  set(CPACK_GENERATOR TGZ)
endif()

# The tree without what builds and runs leave in it.
set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME paceline-${PROJECT_VERSION})
string(REGEX REPLACE "([][+.*?()^$|\\\\{}])" "\\\\\\1" source ${PROJECT_SOURCE_DIR})
set(CPACK_SOURCE_IGNORE_FILES
  "^${source}/\\\\.git" "^${source}/build[^/]*/" "\\\\.h5$" "\\\\.part$" "^${source}/[^/]*\\\\.png$" "/__pycache__/")
include(CPack)
