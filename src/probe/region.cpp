#include "probe/region.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace paceline::probe {
namespace {

/// Beginning with the thread that the program starts with.
alignas(64) std::atomic<int> active = 1;
alignas(64) std::atomic<int> peak = 1;

void add_active(int threads) {
  if (threads == 0) return;
  const int now = active.fetch_add(threads, std::memory_order_relaxed) + threads;
  int most = peak.load(std::memory_order_relaxed);
  while (now > most && !peak.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
}

/// Threads that a region adds to those that were at work before it.
int added(const Region& region) { return region.threads - (region.before == State::useful ? 1 : 0); }

Region* unused(Thread& thread, int most_threads) {
  for (auto* region = thread.regions; region != nullptr; region = region->next) {
    if (!region->is_open && region->capacity >= most_threads) return region;
  }
  const auto capacity = static_cast<std::size_t>(std::max(most_threads, 16));
  const auto line_bytes = Places::per_line * sizeof(Ticks);
  void* memory = std::aligned_alloc(alignof(Region), sizeof(Region) + capacity * line_bytes);
  if (memory == nullptr) return nullptr;
  auto* region = new (memory) Region;
  region->lines = reinterpret_cast<Ticks*>(region + 1);
  region->capacity = static_cast<int>(capacity);
  region->next = thread.regions;
  thread.regions = region;
  return region;
}

void settle(Thread& thread, Region& region) {
  for (int use = region.first_use; use < region.uses; ++use) {
    Ticks most = 0, sum = 0;
    for (int i = 0; i < region.threads_of[use]; ++i) {
      const auto busy = region.lines[i * Places::per_line + use];
      most = std::max(most, busy);
      sum += busy;
    }
    const auto threads = static_cast<Ticks>(region.threads_of[use]);
    thread.totals.imbalance += threads * most - sum;
    thread.totals.scheduling += threads * (region.wall_of[use] - most);
    ++thread.totals.regions;
  }
  region.first_use = region.uses;
}

}  // namespace

Entry& Region::entry(void (*function)(void*), void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(function);
  auto& entry = entries[uses][(address >> 4 ^ address >> 8 ^ address >> 12) % entries_per_use];
  if (entry.function != function || entry.data != data) entry = {nullptr, function, data, this, places()};
  return entry;
}

Region* open_region(Thread& thread, int most_threads) {
  if (thread.state == State::mpi || thread.state == State::waiting) return nullptr;
  auto* region = unused(thread, most_threads);
  if (region == nullptr) return nullptr;
  region->is_open = true;
  region->threads = 0;
  region->before = thread.state;
  region->outer = thread.frame;
  const auto now = ticks();
  region->begin = now;
  if (thread.state == State::useful) thread.leave_useful(State::waiting, now);
  thread.state = State::waiting;
  return region;
}

void enter_region(Thread& thread, Region& region, int threads) {
  region.threads = std::min(threads, region.capacity);
  add_active(added(region));
  join_region(thread, region.places(), 0);
}

void join_region(Thread& thread, Places places, int index) {
  thread.frame = {places.of(index), 0, 0};
  thread.resume();
}

void leave_region(Thread& thread, bool is_first) { thread.pause(is_first ? State::waiting : State::outside); }

void close_region(Thread& thread, Region& region) {
  const auto now = ticks();
  region.threads_of[region.uses] = region.threads;
  region.wall_of[region.uses] = now - region.begin;
  if (++region.uses == Places::per_line) {
    settle(thread, region);
    region.first_use = region.uses = 0;
  }
  region.is_open = false;
  add_active(-added(region));
  thread.frame = region.outer;
  thread.since = now;
  thread.state = region.before;
}

void settle_regions(Thread& thread) {
  for (auto* region = thread.regions; region != nullptr; region = region->next) settle(thread, *region);
}

void clear_regions(Thread& thread) {
  for (auto* region = thread.regions; region != nullptr; region = region->next) region->first_use = region->uses;
}

void free_regions(Thread& thread) {
  while (thread.regions != nullptr) std::free(std::exchange(thread.regions, thread.regions->next));
}

int peak_threads() { return peak.load(std::memory_order_relaxed); }

void clear_peak() { peak = active.load(); }

}  // namespace paceline::probe
