#include "host/places.hpp"

#include <omp.h>

namespace paceline {

std::vector<int> processors_of_places() {
  std::vector<int> all;
  if (omp_get_proc_bind() == omp_proc_bind_false) return all;
  for (int place = 0; place < omp_get_num_places(); ++place) {
    const auto begin = all.size();
    all.resize(begin + static_cast<std::size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, all.data() + begin);
  }
  return all;
}

void spread_threads(const std::vector<int>& processors) {
  if (processors.size() < 2 || omp_get_proc_bind() != omp_proc_bind_false) return;
  const auto threads = static_cast<int>(processors.size());
#pragma omp parallel num_threads(threads)
  {
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    cpu_set_t given[most_processors / CPU_SETSIZE], own[most_processors / CPU_SETSIZE];
    if (sched_getaffinity(0, sizeof given, given) == 0) {
      CPU_ZERO_S(sizeof own, own);
      CPU_SET_S(static_cast<std::size_t>(processors[thread]), sizeof own, own);
      sched_setaffinity(0, sizeof own, own);
      sched_setaffinity(0, sizeof given, given);
    }
  }
}

Unbinding::Unbinding() {
  CPU_ZERO_S(sizeof processors_, processors_);
  const auto given = processors_of_places();
  for (const int processor : given) CPU_SET_S(static_cast<std::size_t>(processor), sizeof processors_, processors_);
  is_needed_ = !given.empty();
}

void Unbinding::apply() const {
  if (is_needed_) sched_setaffinity(0, sizeof processors_, processors_);
}

}  // namespace paceline
