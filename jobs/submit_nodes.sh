#!/usr/bin/env bash
# Scaling over nodes: a job for each number of nodes, so that none waits for, or pays for, nodes that it does not use,
# and a last one that puts their parts into one study, fits and plots it.
#   jobs/submit_nodes.sh [options] [-- COMMAND ...]
#     --nodes LIST            numbers of nodes (1,2,4,8)
#     --ranks-per-node LIST   (1)          --threads LIST   a rank (1)
#     --weak                  the work grows with the cores: COMMAND has {scale} in it
#     --chain                 one job after the other, so that they don't share the network
#     --time LIMIT            of each job, as sbatch takes it (00:30:00)
#     -o, --output STUDY.h5   (study-DATE.h5 in the scratch folder)
#     --dry-run               shows the jobs and what they can cost at most, and submits nothing
# Needs: build/paceline and jobs/site.sh; COMMAND is any program, by default a fractal. Makes: STUDY.h5, STUDY.png and
# the parts STUDY.nN.h5. Costs: at most the core-hours that --dry-run shows, for each time that a job starts again.
set -euo pipefail
jobs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/site.sh
source "$jobs/site.sh"

usage() {
  echo "paceline: error: $1; see the head of $0" >&2
  exit 2
}

node_counts=1,2,4,8 ranks_per_node=1 threads=1 script=strong_scaling.sbatch limit=00:30:00 is_chain='' is_dry='' output=''
while (($# > 0)); do
  case $1 in
    --weak) script=weak_scaling.sbatch ;;
    --chain) is_chain=yes ;;
    --dry-run) is_dry=yes ;;
    --nodes | --ranks-per-node | --threads | --time | -o | --output)
      (($# > 1)) || usage "$1 wants a value"
      case $1 in
        --nodes) node_counts=$2 ;;
        --ranks-per-node) ranks_per_node=$2 ;;
        --threads) threads=$2 ;;
        --time) limit=$2 ;;
        *) output=$2 ;;
      esac
      shift
      ;;
    --)
      shift
      break
      ;;
    *) usage "what is $1" ;;
  esac
  shift
done
for list in "$node_counts" "$ranks_per_node" "$threads"; do
  [[ $list =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || usage "$list is no list of numbers"
done
# Two jobs on as many nodes would write one file.
twice=$(tr , '\n' <<<"$node_counts" | sort | uniq -d | head -n 1)
[[ -z $twice ]] || usage "--nodes $node_counts names $twice twice"
[[ $output ]] || output=$PACELINE_SCRATCH/study-$(date +%Y%m%d-%H%M%S).h5
[[ $output == /* ]] || output=$PWD/$output
IFS=, read -ra counts <<<"$node_counts"
IFS=, read -ra per_node <<<"$ranks_per_node"
IFS=, read -ra thread_counts <<<"$threads"

limit_s=$(python3 "$jobs/slurm_time.py" "$limit") || usage "--time $limit is no time limit above zero"

# Words as a shell takes them.
quoted() {
  local line
  printf -v line ' %q' "$@"
  echo "${line# }"
}

# Whole nodes are paid for, whatever runs on them.
cores=$(sinfo --noheader --format=%c ${SBATCH_PARTITION:+--partition="$SBATCH_PARTITION"} | tr -d + | sort -n |
  tail -n 1) || cores=''
[[ $cores =~ ^[1-9][0-9]*$ ]] || {
  echo "paceline: error: no nodes are known (sinfo lists none${SBATCH_PARTITION:+ in partition $SBATCH_PARTITION});" \
    "submit where Slurm is, and see that SBATCH_PARTITION is right" >&2
  exit 1
}
most_ranks=0 most_threads=0
for r in "${per_node[@]}"; do ((r <= most_ranks)) || most_ranks=$r; done
for t in "${thread_counts[@]}"; do ((t <= most_threads)) || most_threads=$t; done

export PACELINE_PART=1 PACELINE_THREADS=$threads PACELINE_JOBS=$jobs PACELINE_OUTPUT PACELINE_RANKS PACELINE_NODES
parts=() ids=() total_s=0
for n in "${counts[@]}"; do
  PACELINE_RANKS=''
  for r in "${per_node[@]}"; do PACELINE_RANKS+=${PACELINE_RANKS:+,}$((n * r)); done
  PACELINE_NODES=$n
  PACELINE_OUTPUT=${output%.h5}.n$n.h5
  parts+=("$PACELINE_OUTPUT")
  total_s=$((total_s + n * cores * limit_s))
  line=(sbatch --parsable --nodes="$n" --time="$limit" --job-name="paceline-n$n")
  [[ -z $is_chain ]] || ((${#ids[@]} == 0)) || line+=(--dependency="afterany:${ids[-1]}")
  line+=("$jobs/$script" "$@")
  if [[ $is_dry ]]; then
    printf 'nodes %s: ranks %s, threads %s, at most %d core-hours\n' "$n" "$PACELINE_RANKS" "$threads" \
      $(((n * cores * limit_s + 3599) / 3600))
    ids+=("JOB$n")
    echo "  $(quoted "${line[@]}")"
    continue
  fi
  id=$("${line[@]}")
  ids+=("${id%%;*}")
  echo "paceline: job ${ids[-1]}: nodes $n, ranks $PACELINE_RANKS"
done

# However the parts end: what there is of them is worth a fit.
dependency=$(
  IFS=:
  echo "afterany:${ids[*]}"
)
last=(sbatch --parsable --dependency="$dependency" "$jobs/collect.sbatch" "${parts[@]}")
if [[ $is_dry ]]; then
  printf 'then: merge, fit and plot\n  %s\ntogether at most %d core-hours (%s a job on nodes of %s CPUs)\n' "$(quoted "${last[@]}")" \
    $(((total_s + 3599) / 3600)) "$limit" "$cores"
  ((most_ranks * most_threads <= cores)) ||
    echo "paceline: note: $most_ranks ranks x $most_threads threads are more than the $cores CPUs of a node and are left out" >&2
  exit 0
fi
export PACELINE_OUTPUT=$output
id=$("${last[@]}")
echo "paceline: job ${id%%;*}: then $output and ${output%.h5}.png"
