#include "probe/region.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace paceline::probe {
namespace {

/// Beginning with the thread that the program starts with.
std::atomic<int> active = 1;
std::atomic<int> peak = 1;

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
  if (auto* region = thread.spare; region != nullptr && region->capacity >= most_threads) [[likely]] {
    thread.spare = region->next;
    return region;
  }
  const auto capacity = static_cast<std::size_t>(std::max(most_threads, 16));
  void* memory = std::malloc(sizeof(Region) + capacity * sizeof(Ticks));
  if (memory == nullptr) return nullptr;
  auto* region = new (memory) Region;
  region->capacity = static_cast<int>(capacity);
  return region;
}

}  // namespace

Region* open_region(Thread& thread, int most_threads) {
  if (thread.state == State::mpi || thread.state == State::waiting) return nullptr;
  auto* region = unused(thread, most_threads);
  if (region == nullptr) return nullptr;
  region->threads = 0;
  region->before = thread.state;
  region->outer = thread.frame;
  const auto now = ticks();
  region->begin = now;
  if (thread.state == State::useful) thread.leave_useful(State::waiting, now);
  thread.state = State::waiting;
  return region;
}

void enter_region(Thread& thread, Region& region, int index, int threads) {
  if (index == 0) {
    region.threads = std::min(threads, region.capacity);
    add_active(added(region));
  }
  thread.frame = {index < region.capacity ? region.busy() + index : nullptr, 0, 0};
  thread.resume();
}

void leave_region(Thread& thread, bool is_first) { thread.pause(is_first ? State::waiting : State::outside); }

void close_region(Thread& thread, Region& region) {
  const auto now = ticks();
  Ticks most = 0, sum = 0;
  for (int i = 0; i < region.threads; ++i) {
    most = std::max(most, region.busy()[i]);
    sum += region.busy()[i];
  }
  const auto threads = static_cast<Ticks>(region.threads);
  thread.totals.imbalance += threads * most - sum;
  thread.totals.scheduling += threads * (now - region.begin - most);
  ++thread.totals.regions;
  add_active(-added(region));
  thread.frame = region.outer;
  thread.since = now;
  thread.state = region.before;
  region.next = thread.spare;
  thread.spare = &region;
}

void free_regions(Region* region) {
  while (region != nullptr) std::free(std::exchange(region, region->next));
}

int peak_threads() { return peak.load(std::memory_order_relaxed); }

void clear_peak() { peak = active.load(); }

}  // namespace paceline::probe
