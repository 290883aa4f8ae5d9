-- A module for Lmod (Tcl's modules: paceline.tcl). Put it where your site keeps module files, as paceline/0.2.0.lua.
-- It finds the installation by PACELINE_ROOT, or by the path below, to be edited.
local root = os.getenv("PACELINE_ROOT") or "/opt/paceline"

help([[Paceline runs, measures and models hybrid MPI + OpenMP scaling: paceline --help, man paceline]])
whatis("Name: Paceline")
whatis("Description: runs, measures and models hybrid MPI + OpenMP scaling")

-- The MPI and the HDF5 that it was built with come first:
-- depends_on("openmpi", "hdf5")
prepend_path("PATH", pathJoin(root, "bin"))
prepend_path("MANPATH", pathJoin(root, "share/man"))
prepend_path("CMAKE_PREFIX_PATH", root)
prepend_path("XDG_DATA_DIRS", pathJoin(root, "share")) -- where bash and fish look for completion
setenv("PACELINE_JOBS", pathJoin(root, "share/paceline/jobs"))
