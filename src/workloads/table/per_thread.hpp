// Something that each thread has for itself, as part of an object: it goes with the object, not with the thread.
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace paceline::table {

template <class T>
class PerThread {
 public:
  /// The calling thread's own, made of `from` when it has none; the same until this goes.
  template <class... From>
  T& mine(From&... from) const {
    const std::lock_guard lock(mutex_);
    auto& place = all_[std::this_thread::get_id()];
    if (!place) place = std::make_unique<T>(from...);
    return *place;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::thread::id, std::unique_ptr<T>> all_;
};

}  // namespace paceline::table
