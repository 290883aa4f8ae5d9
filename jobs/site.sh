# What differs from cluster to cluster; nothing else in jobs/ does. Edit it once, then:
#   source jobs/site.sh      in a login shell, so that sbatch knows account and partition
# The job scripts source it by themselves. A variable that is set already stays: PACELINE_LAUNCHER=mpirun sbatch ...
# shellcheck shell=bash

# --- Who pays, and where it runs. sbatch reads these variables; options of sbatch go over them. -----------------------
# export SBATCH_ACCOUNT=my-project
# export SBATCH_PARTITION=compute
# export SBATCH_QOS=normal
# export SBATCH_CONSTRAINT=            # a node type, so that a study's nodes are alike

# A login shell needs no more.
[[ $- != *i* ]] || return 0

# --- Modules: the MPI library and HDF5 that build/paceline was built with. --------------------------------------------
# module purge
# module load gcc openmpi hdf5

# --- The program. -----------------------------------------------------------------------------------------------------
# : "${PACELINE:=$HOME/paceline/build/paceline}"   # without this: build/paceline beside jobs/, or the one in PATH

# --- The launcher: srun (Slurm starts the ranks) or mpirun (the MPI does, inside the allocation). ---------------------
: "${PACELINE_LAUNCHER:=srun}"
# How srun wires MPI up. `srun --mpi=list` names what there is; Open MPI 4 and 5 want pmix, MPICH pmi2.
# Without it: mpirun.
: "${SLURM_MPI_TYPE:=pmix}"

# --- Where results go: a parallel file system that every node sees and that is yours. ---------------------------------
: "${PACELINE_SCRATCH:=${SCRATCH:-$PWD}}"

# --- How long a silent rank or node is waited for, in seconds, before the job is ended and put back into the queue. ---
: "${PACELINE_WATCHDOG:=120}"

# --- HDF5 locks files, which some file systems refuse. BEST_EFFORT goes on without (HDF5 1.10.7 and newer). -----------
: "${HDF5_USE_FILE_LOCKING:=BEST_EFFORT}"

# --- Networks. Nodes with several: which one Open MPI's TCP and heartbeats take; fast networks are found without. -----
# export OMPI_MCA_btl_tcp_if_include=ib0 OMPI_MCA_oob_tcp_if_include=ib0

export SLURM_MPI_TYPE HDF5_USE_FILE_LOCKING
