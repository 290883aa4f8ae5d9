// The entry points of libgomp, GNU's OpenMP runtime, that programs compiled by GCC call.
//
// The function of a region or a task is replaced by one of ours, which calls it. LLVM's runtime has these entry points
// too, for programs compiled by GCC; it tells about itself (ompt.cpp), and then all calls are passed on.
//
// What libgomp reads and writes in the block of data that belongs to a function is from its own sources (GCC 12,
// libgomp/parallel.c, task.c, taskloop.c): the first word of a region with reductions; of a task, the first two words
// when it is one of a taskloop, the first when it can be detached, the third when it has reductions.
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "probe/original.hpp"
#include "probe/process.hpp"
#include "probe/region.hpp"
#include "probe/wrap.hpp"

namespace paceline::probe {
namespace {

int asked(Original& number) { return static_cast<int>(number()); }
constinit Original thread_number{"omp_get_thread_num"};
constinit Original team_size{"omp_get_num_threads"};
constinit Original get_max_threads{"omp_get_max_threads"};

using Function = void (*)(void*);

bool find_gnu() {
  void* parallel = look_for_original("GOMP_parallel");
  Dl_info info{};
  if (parallel == nullptr || dladdr(parallel, &info) == 0) return false;
  void* runtime = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (runtime == nullptr) return true;  // part of the program
  const bool is_llvm = dlsym(runtime, "__kmpc_fork_call") != nullptr;
  dlclose(runtime);
  return !is_llvm;
}

/// The runtime is GNU's.
bool is_gnu() {
  enum { unknown, no, yes };
  static constinit std::atomic<int> answer = unknown;
  const int known = answer.load(std::memory_order_relaxed);
  if (known != unknown) [[likely]] {
    return known == yes;
  }
  const bool found = find_gnu();
  answer = found ? yes : no;
  return found;
}

void run_member(void* memory) {
  const auto& entry = *static_cast<const Entry*>(memory);
  auto& thread = self();
  const int index = asked(thread_number);
  if (index == 0) {
    enter_region(thread, *entry.region, asked(team_size));
  } else {
    join_region(thread, entry.places, index);
  }
  entry.function(entry.data);
  leave_region(thread, index == 0);
}

/// A region of at most `threads`; 0: as many as the program has set.
Region* begin_region(Word threads) {
  if (!is_gnu()) return nullptr;
  note_openmp();
  const int most = static_cast<int>(threads) > 0 ? static_cast<int>(threads) : asked(get_max_threads);
  // A lone thread waits for no other, and four looks at the clock would be a tenth of an empty region.
  return most > 1 ? open_region(self(), most) : nullptr;
}

template <class... Words>
Word parallel(Original& original, bool has_reductions, Word function, Word data, Word threads, Words... rest) {
  Region* region = begin_region(threads);
  if (region == nullptr) return original(function, data, threads, rest...);
  auto& entry = region->entry(reinterpret_cast<Function>(function), reinterpret_cast<void*>(data));
  if (has_reductions) std::memcpy(&entry.first_word, entry.data, sizeof(void*));
  const Word result = original(reinterpret_cast<Word>(&run_member), reinterpret_cast<Word>(&entry), threads, rest...);
  close_region(this_thread, *region);
  return result;
}

/// A region as compilers before GCC 4.9 begin it: the program itself calls the function on the first thread.
struct Started {
  Region* region;
  Started* outer;
};
thread_local constinit Started* started = nullptr;

template <class... Words>
Word parallel_start(Original& original, Word function, Word data, Word threads, Words... rest) {
  Region* region = begin_region(threads);
  auto* now = static_cast<Started*>(std::malloc(sizeof(Started)));
  if (now == nullptr) std::abort();
  *now = {region, started};
  started = now;
  if (region == nullptr) return original(function, data, threads, rest...);
  auto& entry = region->entry(reinterpret_cast<Function>(function), reinterpret_cast<void*>(data));
  const Word result = original(reinterpret_cast<Word>(&run_member), reinterpret_cast<Word>(&entry), threads, rest...);
  enter_region(this_thread, *region, asked(team_size));
  return result;
}

Word parallel_end(Original& original) {
  auto* now = started;
  if (now == nullptr) return original();
  started = now->outer;
  Region* region = now->region;
  std::free(now);
  if (region != nullptr) leave_region(this_thread, true);
  const Word result = original();
  if (region != nullptr) close_region(this_thread, *region);
  return result;
}

/// What waits, or may.
template <class... Words>
Word wait(Original& original, Words... words) {
  if (!is_gnu()) return original(words...);
  const Waiting waiting;
  return original(words...);
}

/// A lock that is free is taken at once, and costs no look at the clock.
template <class... Words>
Word set_lock(Original& original, Original& test, Word lock) {
  if (!is_gnu()) return original(lock);
  if (static_cast<int>(test(lock)) != 0) return 0;
  const Waiting waiting;
  return original(lock);
}

/// In front of the data of a task's function.
struct Task {
  void* words[2];    ///< of the data: those that libgomp writes, or
  void* reductions;  ///< reads
  Function function;
  void (*copy)(void*, void*);
  void* data;  ///< as the program gave it; gone when the task runs
  std::size_t size;
  std::size_t offset;  ///< of the data's copy
  std::size_t written_words;

  [[nodiscard]] void* own_data() { return reinterpret_cast<char*>(this) + offset; }
};

/// For data that has a copying function of its own.
void copy_task(void* to, void* from) {
  auto& task = *static_cast<Task*>(to);
  std::memcpy(to, from, sizeof(Task));
  task.copy(task.own_data(), task.data);
}

void run_task(void* memory) {
  auto& task = *static_cast<Task*>(memory);
  std::memcpy(task.own_data(), task.words, task.written_words * sizeof(void*));
  auto& thread = self();
  const auto before = thread.state;
  const bool was_waiting = before == State::waiting || before == State::outside;
  if (was_waiting) thread.resume();
  task.function(task.own_data());
  if (was_waiting) thread.pause(before);
}

// Flags of libgomp's interface (GCC's include/gomp-constants.h).
constexpr unsigned flag_no_group = 1U << 11;
constexpr unsigned flag_detach = 1U << 13;

template <class... Words>
Word make_task(Original& original, std::size_t written_words, Word function, Word data, Word copy, Word size,
               Word align, Words... rest) {
  const auto bytes = static_cast<std::size_t>(size);
  const auto alignment = std::max(static_cast<std::size_t>(align), alignof(Task));
  const auto offset = (sizeof(Task) + alignment - 1) / alignment * alignment;
  // With a copying function, the data follows when that is called; else it is here, and libgomp copies the whole.
  const auto all = offset + (copy != 0 ? 0 : bytes);
  auto address = reinterpret_cast<std::uintptr_t>(__builtin_alloca(all + alignment));
  address = (address + alignment - 1) / alignment * alignment;
  auto& task = *new (reinterpret_cast<void*>(address)) Task;
  task.function = reinterpret_cast<Function>(function);
  task.copy = reinterpret_cast<void (*)(void*, void*)>(copy);
  task.data = reinterpret_cast<void*>(data);
  task.size = bytes;
  task.offset = offset;
  task.written_words = std::min(bytes / sizeof(void*), written_words);
  if (bytes > 0) std::memcpy(&task, task.data, std::min(bytes, 3 * sizeof(void*)));
  if (bytes > 0 && copy == 0) std::memcpy(task.own_data(), task.data, bytes);
  return original(reinterpret_cast<Word>(&run_task), static_cast<Word>(address),
                  copy != 0 ? reinterpret_cast<Word>(&copy_task) : 0, static_cast<Word>(offset + bytes),
                  static_cast<Word>(alignment), rest...);
}

template <class... Words>
Word task(Original& original, Word function, Word data, Word copy, Word size, Word align, Word condition, Word flags,
          Words... rest) {
  if (!is_gnu()) return original(function, data, copy, size, align, condition, flags, rest...);
  const bool can_detach = (static_cast<unsigned>(flags) & flag_detach) != 0;
  return make_task(original, can_detach ? 1 : 0, function, data, copy, size, align, condition, flags, rest...);
}

template <class... Words>
Word task_loop(Original& original, Word function, Word data, Word copy, Word size, Word align, Word flags,
               Words... rest) {
  if (!is_gnu()) return original(function, data, copy, size, align, flags, rest...);
  if ((static_cast<unsigned>(flags) & flag_no_group) != 0) {
    return make_task(original, 2, function, data, copy, size, align, flags, rest...);
  }
  // It waits for its tasks.
  const Waiting waiting;
  return make_task(original, 2, function, data, copy, size, align, flags, rest...);
}

constinit Original test_lock{"omp_test_lock"};
constinit Original test_nest_lock{"omp_test_nest_lock"};
constinit Original test_lock_fortran{"omp_test_lock_"};
constinit Original test_nest_lock_fortran{"omp_test_nest_lock_"};

}  // namespace
}  // namespace paceline::probe

using namespace paceline::probe;

// Regions: function, data, threads; loops have their bounds, schedule and flags behind.
WRAPPED(GOMP_parallel, 4, parallel, false)
WRAPPED(GOMP_parallel_reductions, 4, parallel, true)
WRAPPED(GOMP_parallel_sections, 5, parallel, false)
WRAPPED(GOMP_parallel_loop_static, 8, parallel, false)
WRAPPED(GOMP_parallel_loop_dynamic, 8, parallel, false)
WRAPPED(GOMP_parallel_loop_guided, 8, parallel, false)
WRAPPED(GOMP_parallel_loop_nonmonotonic_dynamic, 8, parallel, false)
WRAPPED(GOMP_parallel_loop_nonmonotonic_guided, 8, parallel, false)
WRAPPED(GOMP_parallel_loop_runtime, 7, parallel, false)
WRAPPED(GOMP_parallel_loop_nonmonotonic_runtime, 7, parallel, false)
WRAPPED(GOMP_parallel_loop_maybe_nonmonotonic_runtime, 7, parallel, false)

WRAPPED(GOMP_parallel_start, 3, parallel_start)
WRAPPED(GOMP_parallel_sections_start, 4, parallel_start)
WRAPPED(GOMP_parallel_loop_static_start, 7, parallel_start)
WRAPPED(GOMP_parallel_loop_dynamic_start, 7, parallel_start)
WRAPPED(GOMP_parallel_loop_guided_start, 7, parallel_start)
WRAPPED(GOMP_parallel_loop_runtime_start, 6, parallel_start)
WRAPPED_0(GOMP_parallel_end, parallel_end)

WRAPPED_0(GOMP_barrier, wait)
WRAPPED_0(GOMP_barrier_cancel, wait)
WRAPPED_0(GOMP_loop_end, wait)
WRAPPED_0(GOMP_loop_end_cancel, wait)
WRAPPED_0(GOMP_sections_end, wait)
WRAPPED_0(GOMP_sections_end_cancel, wait)
WRAPPED(GOMP_workshare_task_reduction_unregister, 1, wait)
WRAPPED_0(GOMP_single_copy_start, wait)
WRAPPED_0(GOMP_taskwait, wait)
WRAPPED(GOMP_taskwait_depend, 1, wait)
WRAPPED_0(GOMP_taskgroup_end, wait)
WRAPPED_0(GOMP_taskyield, wait)
WRAPPED_0(GOMP_critical_start, wait)
WRAPPED(GOMP_critical_name_start, 1, wait)
WRAPPED_0(GOMP_atomic_start, wait)
WRAPPED_0(GOMP_ordered_start, wait)
// Of any number of dimensions.
WRAPPED(GOMP_doacross_wait, 13, wait)
WRAPPED(GOMP_doacross_ull_wait, 13, wait)
WRAPPED(omp_set_lock, 1, set_lock, test_lock)
WRAPPED(omp_set_lock_, 1, set_lock, test_lock_fortran)
WRAPPED(omp_set_nest_lock, 1, set_lock, test_nest_lock)
WRAPPED(omp_set_nest_lock_, 1, set_lock, test_nest_lock_fortran)

WRAPPED(GOMP_task, 10, task)
WRAPPED(GOMP_taskloop, 11, task_loop)
WRAPPED(GOMP_taskloop_ull, 11, task_loop)
