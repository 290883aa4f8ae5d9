#include "host/places.hpp"

#include <gtest/gtest.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paceline {
namespace {

/// In a child: the processor that OpenMP would bind it to is all that it has, and then what it was given.
TEST(Places, AChildGetsWhatTheProcessWasGiven) {
  cpu_set_t mine, given;
  ASSERT_EQ(sched_getaffinity(0, sizeof mine, &mine), 0);
  CPU_ZERO(&given);
  const auto places = processors_of_places();
  for (const int processor : places) CPU_SET(static_cast<std::size_t>(processor), &given);
  EXPECT_EQ(places.empty(), omp_get_proc_bind() == omp_proc_bind_false || omp_get_num_places() == 0);
  const Unbinding unbinding;
  const pid_t child = fork();
  if (child == 0) {
    cpu_set_t one, now;
    CPU_ZERO(&one);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
      if (CPU_ISSET(cpu, &mine)) CPU_SET(cpu, &one);
    }
    sched_setaffinity(0, sizeof one, &one);
    unbinding.apply();
    sched_getaffinity(0, sizeof now, &now);
    _exit(CPU_EQUAL(&now, places.empty() ? &one : &given) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Places, SpreadThreadsMayGoWhereTheyMightBefore) {
  cpu_set_t given;
  ASSERT_EQ(sched_getaffinity(0, sizeof given, &given), 0);
  std::vector<int> processors;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &given)) processors.push_back(cpu);
  }
  spread_threads(processors);
  const auto threads = static_cast<int>(processors.size());
  std::vector<int> are_same(processors.size(), 0);
#pragma omp parallel num_threads(threads)
  {
    cpu_set_t now;
    const bool is_known = sched_getaffinity(0, sizeof now, &now) == 0;
    are_same[static_cast<std::size_t>(omp_get_thread_num())] = is_known && CPU_EQUAL(&now, &given) ? 1 : 0;
  }
  if (omp_get_proc_bind() == omp_proc_bind_false) {
    EXPECT_EQ(are_same, std::vector<int>(processors.size(), 1));
  }
}

}  // namespace
}  // namespace paceline
