#%Module1.0
# A module for Environment Modules (Lmod reads it, too). Put it where your site keeps module files, as paceline/0.2.0.
# It finds the installation by PACELINE_ROOT, or by the path below, to be edited.
if {[info exists ::env(PACELINE_ROOT)]} {
  set root $::env(PACELINE_ROOT)
} else {
  set root /opt/paceline
}

proc ModulesHelp {} {
  puts stderr "Paceline runs, measures and models hybrid MPI + OpenMP scaling: paceline --help, man paceline"
}
module-whatis "runs, measures and models hybrid MPI + OpenMP scaling"

# The MPI and the HDF5 that it was built with come first:
# module load openmpi hdf5
prepend-path PATH $root/bin
prepend-path MANPATH $root/share/man
prepend-path CMAKE_PREFIX_PATH $root
prepend-path XDG_DATA_DIRS $root/share
setenv PACELINE_JOBS $root/share/paceline/jobs
