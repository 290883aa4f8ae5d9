// The mutex that guards a state for some nanoseconds, and a mark of life: both are locks that outlive their holder.
#pragma once

#include <pthread.h>

#include <cerrno>

#include "library/sync/futex.hpp"

namespace paceline::sync {

/// A mutex in shared memory of which the kernel tells when its holder died (POSIX robust mutexes,
/// pthread_mutexattr_setrobust).
class RobustMutex {
 public:
  enum class Taken { yes, no, from_the_dead };

  /// In zeroed memory, by one rank, before others use it.
  void initialise() {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  /// from_the_dead: what it guards may be half changed, and nobody gets it again unless it is mended.
  Taken lock() {
    // It is held for some 50 nanoseconds, and going to sleep takes a hundred times that.
    for (int i = 0; i < 100; ++i) {
      if (const auto now = try_lock(); now != Taken::no) return now;
      relax();
    }
    return taken(pthread_mutex_lock(&mutex_));
  }
  Taken try_lock() { return taken(pthread_mutex_trylock(&mutex_)); }
  void mend() { pthread_mutex_consistent(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  static Taken taken(int code) {
    if (code == 0) return Taken::yes;
    return code == EBUSY ? Taken::no : Taken::from_the_dead;
  }

  pthread_mutex_t mutex_;
};

}  // namespace paceline::sync
