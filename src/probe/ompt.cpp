// LLVM's OpenMP runtime, which tells what it does by OMPT. It finds ompt_start_tool() when it starts.
//
// As LLVM's runtime has it (14): a worker waits in the region's last barrier until it is needed again, and only then
// tells that this wait and its implicit task have ended, when the region is long gone. What it was busy with is
// therefore told to the region when the wait begins.
#include "probe/ompt.hpp"

#include "probe/original.hpp"
#include "probe/process.hpp"
#include "probe/region.hpp"

namespace paceline::probe {
namespace {

using ompt::Data;

void pause_if_useful(Thread& thread) {
  if (thread.state == State::useful) thread.pause(State::waiting);
}
void resume_if_waiting(Thread& thread) {
  if (thread.state == State::waiting) thread.resume();
}

void on_parallel_begin(Data*, const void*, Data* parallel, unsigned requested, int flags, const void*) {
  note_openmp();
  const bool is_league = (flags & ompt::parallel_league) != 0;
  parallel->pointer = is_league ? nullptr : open_region(self(), static_cast<int>(requested));
}

void on_parallel_end(Data* parallel, Data*, int, const void*) {
  if (parallel->pointer != nullptr) close_region(self(), *static_cast<Region*>(parallel->pointer));
}

void on_implicit_task(int endpoint, Data* parallel, Data*, unsigned threads, unsigned index, int flags) {
  if ((flags & ompt::task_initial) != 0) return;
  auto& thread = self();
  if (endpoint == ompt::begin) {
    if (parallel == nullptr || parallel->pointer == nullptr) return;
    auto& region = *static_cast<Region*>(parallel->pointer);
    if (index == 0) {
      enter_region(thread, region, static_cast<int>(threads));
    } else {
      join_region(thread, region.places(), static_cast<int>(index));
    }
  } else if (index == 0) {
    pause_if_useful(thread);
  } else if (thread.state == State::useful) {
    thread.leave_useful(State::outside, ticks());
  } else if (thread.state == State::waiting) {
    thread.state = State::outside;
  }
}

void on_sync_region_wait(int, int endpoint, Data*, Data*, const void*) {
  if (endpoint == ompt::begin) {
    pause_if_useful(self());
  } else {
    resume_if_waiting(self());
  }
}

void on_mutex_acquire(int kind, unsigned, unsigned, std::uint64_t, const void*) {
  if (kind != ompt::mutex_test_lock && kind != ompt::mutex_test_nest_lock) pause_if_useful(self());
}

void on_mutex_acquired(int, std::uint64_t, const void*) { resume_if_waiting(self()); }

/// Of a task that is not at work: what its thread did when it was left. 0: it has not begun.
enum : std::uint64_t { not_begun = 0, left_useful = 1, left_waiting = 2 };

void on_task_create(Data*, const void*, Data* task, int, int, const void*) {
  if (task != nullptr) task->value = not_begun;
}

void on_task_schedule(Data* prior, int status, Data* next) {
  if (next == nullptr || status == ompt::task_late_fulfill) return;
  auto& thread = self();
  const bool has_ended = status == ompt::task_complete || status == ompt::task_cancel;
  if (prior != nullptr && !has_ended) prior->value = thread.state == State::waiting ? left_waiting : left_useful;
  if (next->value == left_waiting) {
    pause_if_useful(thread);
  } else {
    resume_if_waiting(thread);
  }
}

int start(ompt::Lookup lookup, int, Data*) {
  const auto set = reinterpret_cast<ompt::SetCallback>(lookup("ompt_set_callback"));
  if (set == nullptr) return 0;
  const auto on = [set](ompt::Event event, auto* function) { set(event, reinterpret_cast<ompt::Callback>(function)); };
  on(ompt::event_parallel_begin, on_parallel_begin);
  on(ompt::event_parallel_end, on_parallel_end);
  on(ompt::event_implicit_task, on_implicit_task);
  on(ompt::event_sync_region_wait, on_sync_region_wait);
  on(ompt::event_mutex_acquire, on_mutex_acquire);
  on(ompt::event_mutex_acquired, on_mutex_acquired);
  on(ompt::event_task_create, on_task_create);
  on(ompt::event_task_schedule, on_task_schedule);
  return 1;
}

void stop(Data*) {}

}  // namespace
}  // namespace paceline::probe

PACELINE_EXPORT paceline::probe::ompt::StartToolResult* ompt_start_tool(unsigned, const char*) {
  using namespace paceline::probe;
  static constinit ompt::StartToolResult tool{&start, &stop, {0}};
  return &tool;
}
