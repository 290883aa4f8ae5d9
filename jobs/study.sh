# What the job scripts of studies share. Sourced inside a job, after in_job.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154  # in_job.sh sets what is read here

# PACELINE_RANKS, PACELINE_THREADS, PACELINE_NODES: lists; what a script does not say otherwise fills the job's nodes.
# PACELINE_REPEATS (5). PACELINE_STUDY_OPTIONS: more options of `paceline study`, as words. PACELINE_PART=1: no fit, the
# study is a part of one.
# study NAME MODE COMMAND ...: measures, fits and plots NAME-JOB.h5.
study() {
  local output=${PACELINE_OUTPUT:-$PACELINE_SCRATCH/$1-$job_name.h5} mode=$2 more=()
  shift 2
  read -ra more <<<"${PACELINE_STUDY_OPTIONS-}"
  # shellcheck disable=SC2034  # run_to_end reads it
  local first_mistake=1 # no launcher starts a study, so 1 is its own: no run gave a result
  run_to_end "$output" exec "$PACELINE" study -o "$output" --resume --mode "$mode" --launcher "$PACELINE_LAUNCHER" \
    --nodes "${PACELINE_NODES:-$nodes}" --ranks "$PACELINE_RANKS" --threads "$PACELINE_THREADS" \
    --repeats "${PACELINE_REPEATS:-5}" "${more[@]}" -- "$@"
  [[ -z ${PACELINE_PART-} ]] || return 0
  fit_and_plot "$output"
}

# A law that can't be fitted, or a node without matplotlib, is no reason to lose what was measured.
fit_and_plot() {
  "$PACELINE" fit "$1" || echo "paceline: note: no fit; the samples are in $1" >&2
  "$PACELINE" plot "$1" -o "${1%.h5}.png" --force ||
    echo "paceline: note: no plot; draw it where matplotlib is: paceline plot $1 -o ${1%.h5}.png" >&2
  echo "paceline: $1"
}
