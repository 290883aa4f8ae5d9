# What the job scripts share: the site, the launcher, and how a run survives the time limit. Sourced inside a job.
# shellcheck shell=bash
# shellcheck disable=SC2154  # the script that sources this sets `here`, the folder of the scripts

# shellcheck source=jobs/site.sh
source "$here/site.sh"
[[ -n ${PACELINE-} || -x $here/../build/paceline ]] || PACELINE=$(command -v paceline)
: "${PACELINE:=$here/../build/paceline}"
: "${PACELINE_GRACE:=45}"  # seconds that a launcher may take to end after the time limit is announced
: "${PACELINE_RETRIES:=3}" # starts that may fail without having done anything

fail() {
  echo "paceline: error: $1 ($2); $3" >&2
  exit 2
}

[[ -n ${SLURM_JOB_ID-} ]] || fail "this is a job script" "SLURM_JOB_ID is not set" "submit it: sbatch $0"
# Each task of an array would do the same work; srun starts the first part of a heterogeneous job and no other.
[[ -z ${SLURM_ARRAY_TASK_ID-} ]] ||
  fail "this is an array job" "task $SLURM_ARRAY_TASK_ID would do what the others do" "submit it without --array"
((${SLURM_HET_SIZE:-1} == 1)) ||
  fail "this is a heterogeneous job" "it has $SLURM_HET_SIZE parts" "ask for nodes of one kind, without hetjob"
[[ -x $PACELINE ]] || fail "there is no program $PACELINE" "PACELINE in $here/site.sh" "build it, or name it there"
[[ -d $PACELINE_SCRATCH && -w $PACELINE_SCRATCH ]] ||
  fail "can't write to $PACELINE_SCRATCH" "PACELINE_SCRATCH in $here/site.sh" "name a shared folder of yours"

# Slurm hands --export of sbatch on to srun, where it would take the variables away that are set here.
unset SLURM_EXPORT_ENV
# Open MPI refuses to start as root unless told twice; test machines are root.
((EUID != 0)) || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

started=$(date +%s)
nodes=$SLURM_JOB_NUM_NODES
ranks=${SLURM_NTASKS:-$((nodes * ${SLURM_NTASKS_PER_NODE:-1}))}
threads=${SLURM_CPUS_PER_TASK:-1}
# CPUs of the smallest node: "8(x2),4" -> 4.
cpus_per_node=$(tr , '\n' <<<"$SLURM_JOB_CPUS_PER_NODE" | sed 's/(.*//' | sort -n | head -n 1)
# A job that is put back into the queue keeps its number, so it finds its files.
job_name=$SLURM_JOB_ID
echo "paceline: job $job_name on $SLURM_JOB_NODELIST ($nodes x $cpus_per_node CPUs), start ${SLURM_RESTART_COUNT:-0}"

# 1,2,4,... and the number itself: powers_to 12 -> 1,2,4,8,12
powers_to() {
  local list=1 value=2
  for (( ; value < $1; value *= 2)); do list+=,$value; done
  (($1 > 1)) && list+=,$1
  echo "$list"
}

# launch COMMAND ...: on the job's ranks x threads, each thread with a core of its own.
launch() {
  export OMP_NUM_THREADS=$threads OMP_PLACES=cores OMP_PROC_BIND=close
  # From 23.11 on srun, and that of mpirun, refuses to start where two variables differ. A login shell may bring one.
  export SLURM_CPUS_PER_TASK=$threads SRUN_CPUS_PER_TASK=$threads
  if [[ ${SLURM_TRES_PER_TASK-} == *cpu* ]]; then
    SLURM_TRES_PER_TASK=$(sed -E "s/cpu([:=])[0-9]+/cpu\1$threads/" <<<"$SLURM_TRES_PER_TASK")
    export SLURM_TRES_PER_TASK
  fi
  local each=$(((ranks + nodes - 1) / nodes))
  if [[ $PACELINE_LAUNCHER == mpirun && $(mpirun --version 2>/dev/null) == *HYDRA* ]]; then
    exec mpirun -np "$ranks" -ppn "$each" -bind-to "core:$threads" "$@" # MPICH's takes the environment along
  elif [[ $PACELINE_LAUNCHER == mpirun ]]; then
    exec mpirun -np "$ranks" --map-by "ppr:$each:node:PE=$threads" --bind-to core \
      -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND -x HDF5_USE_FILE_LOCKING "$@"
  fi
  # From 22.05 on srun does not take --cpus-per-task over from sbatch. A rank that exits with 6 has saved its work: the
  # others must be let do the same, while one that dies is noticed by PMIx.
  exec srun --ntasks="$ranks" --cpus-per-task="$threads" --cpu-bind=cores --kill-on-bad-exit=0 "$@"
}

# run_to_end FILE COMMAND ...: runs a command (a function, or exec and a program) that can be resumed and writes FILE or
# FILE.part. Before the time limit (#SBATCH --signal=B:USR1@SECONDS) it is told to save, and the job is put back into
# the queue; after a lost node, too, if anything was done. Returns when it is done; exits when it failed.
run_to_end() {
  local file child='' guard='' code is_late='' is_cancelled=''
  # Where FILE is a link, FILE.part is not beside it.
  file=$(readlink -m -- "$1") || file=$1
  shift
  # Bash runs traps only between commands or in `wait`. Slurm itself sends SIGTERM to the ranks.
  # A launcher whose ranks have gone may wait for ever: what has not ended by then is killed.
  trap 'is_late=yes
    if [[ -n $child && -z $guard ]]; then
      kill -USR1 "$child" 2>/dev/null
      (sleep "$PACELINE_GRACE" && kill -KILL "$child" 2>/dev/null) &
      guard=$!
    fi' USR1
  trap 'is_cancelled=yes' TERM
  ("$@") &
  child=$!
  wait "$child"
  code=$?
  while ((code > 128)) && kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
  done
  trap - USR1 TERM
  [[ -z $guard ]] || kill "$guard" 2>/dev/null
  ((code != 0)) || return 0
  local why=${is_late:+, the time is up}${is_cancelled:+, the job is cancelled}
  echo "paceline: exit code $code after $SECONDS s$why" >&2
  # A mistake, which another start would only repeat. 1 may be a launcher's, of a node that is lost.
  ((code < ${first_mistake:-2} || code > 5)) || exit "$code"
  [[ -z $is_cancelled ]] || exit "$code"
  if [[ -n $is_late ]] || has_grown "$file" || has_begun "$file"; then requeue; fi
  exit "$code"
}

# Was anything done since this start? Then the next one can only be better.
has_grown() {
  local name
  for name in "$1" "$1.part"; do
    [[ -e $name ]] && (($(stat -c %Y "$name") >= started)) && return 0
  done
  return 1
}

# Was anything done in an earlier one? A node that comes back may need more than one start; a mistake gets few.
has_begun() {
  [[ -e $1.part || -e $1 ]] && ((${SLURM_RESTART_COUNT:-0} < PACELINE_RETRIES))
}

requeue() {
  echo "paceline: job $job_name goes back into the queue and will go on" >&2
  if scontrol requeue "$SLURM_JOB_ID"; then
    sleep 300 # until Slurm ends this script
  fi
  echo "paceline: it can't be put back; submit it again as before and it goes on from its file" >&2
}
