// What is used here of OMPT, the interface by which LLVM's OpenMP runtime tells a tool what it does: OpenMP 5.1,
// chapter 4, in declarations of our own.
#pragma once

#include <cstdint>

namespace paceline::probe::ompt {

union Data {
  std::uint64_t value;
  void* pointer;
};

// Numbers of events (ompt_callbacks_t).
enum Event : int {
  event_parallel_begin = 3,
  event_parallel_end = 4,
  event_task_create = 5,
  event_task_schedule = 6,
  event_implicit_task = 7,
  event_sync_region_wait = 16,
  event_mutex_acquire = 26,
  event_mutex_acquired = 27,
};

enum Endpoint : int { begin = 1, end = 2 };

enum TaskFlag : int { task_initial = 0x1, task_implicit = 0x2, task_explicit = 0x4 };
enum ParallelFlag : int { parallel_league = 0x40000000 };
/// Why a task is left (ompt_task_status_t).
enum TaskStatus : int { task_complete = 1, task_cancel = 3, task_late_fulfill = 6 };
/// Kinds of mutual exclusion that may fail to be had.
enum Mutex : int { mutex_test_lock = 2, mutex_test_nest_lock = 4 };

using Callback = void (*)();
using SetCallback = int (*)(Event event, Callback callback);
using Lookup = Callback (*)(const char* name);

struct StartToolResult {
  int (*initialize)(Lookup lookup, int initial_device, Data* tool_data);
  void (*finalize)(Data* tool_data);
  Data tool_data;
};

}  // namespace paceline::probe::ompt
