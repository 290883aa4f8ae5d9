#include "probe/thread.hpp"

#include <pthread.h>

#include <atomic>

#include "probe/region.hpp"

namespace paceline::probe {

thread_local constinit Thread this_thread;

namespace {

std::atomic_flag lock = ATOMIC_FLAG_INIT;
Thread* first = nullptr;
Totals ended;
pthread_key_t key;

/// Held for a few instructions, at the beginning and the end of threads.
class Guard {
 public:
  Guard() {
    while (lock.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Guard() { lock.clear(std::memory_order_release); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
};

/// Runs as the thread ends.
void retire(void* memory) {
  auto& thread = *static_cast<Thread*>(memory);
  settle_regions(thread);
  free_regions(thread);
  const Guard guard;
  ended.add(thread.totals);
  thread.totals = {};
  (thread.previous != nullptr ? thread.previous->next : first) = thread.next;
  if (thread.next != nullptr) thread.next->previous = thread.previous;
  // Should it still call something, it counts no more.
  thread.state = State::outside;
}

}  // namespace

void Totals::add(const Totals& other) {
  useful += other.useful;
  mpi += other.mpi;
  mpi_serial += other.mpi_serial;
  imbalance += other.imbalance;
  scheduling += other.scheduling;
  regions += other.regions;
  for (int i = 0; i < classes; ++i) {
    by_class[i].calls += other.by_class[i].calls;
    by_class[i].bytes += other.by_class[i].bytes;
    by_class[i].ticks += other.by_class[i].ticks;
  }
}

void make_thread_key() { pthread_key_create(&key, retire); }

void enlist(Thread& thread) {
  thread.state = State::outside;
  pthread_setspecific(key, &thread);
  const Guard guard;
  thread.previous = nullptr;
  thread.next = first;
  if (first != nullptr) first->previous = &thread;
  first = &thread;
}

Totals sum_of_threads(Ticks now) {
  const Guard guard;
  Totals sum = ended;
  for (auto* thread = first; thread != nullptr; thread = thread->next) {
    settle_regions(*thread);
    sum.add(thread->totals);
    // What it is at now has not been added yet.
    if (thread->state == State::useful && now > thread->since) sum.useful += now - thread->since;
  }
  return sum;
}

void clear_threads() {
  const auto now = ticks();
  const Guard guard;
  ended = {};
  for (auto* thread = first; thread != nullptr; thread = thread->next) {
    thread->totals = {};
    clear_regions(*thread);
    thread->since = now;
    if (thread != &this_thread && thread->state == State::useful) thread->state = State::outside;
  }
}

void forget_other_threads() {
  lock.clear();
  first = nullptr;
  const auto state = self().state;
  enlist(this_thread);
  this_thread.state = state;
  clear_threads();
}

}  // namespace paceline::probe
