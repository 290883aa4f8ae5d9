// Shared objects as arguments of tasks, so that no globals are needed:
//
//   void work(int item, Mutex& results) { const std::scoped_lock lock(results); ... }
//   ...
//   pool.submit<work>(1, results);
#pragma once

#include <type_traits>

#include <paceline/domain.hpp>
#include <paceline/serialise.hpp>

namespace paceline {

/// What travels in place of a Mutex&, Queue<T>& ...: the object's number. On the other rank it is that rank's own part
/// of the same object, which must live there as long as the task runs: make it before the pool.
template <class T>
class SharedHandle {
 public:
  SharedHandle() = default;
  SharedHandle(T& object) : object_(&object) {}  // NOLINT(google-explicit-constructor): it stands for a T&
  operator T&() const { return *object_; }       // NOLINT(google-explicit-constructor)

 private:
  friend struct Serialiser<SharedHandle<T>>;
  T* object_ = nullptr;
};

template <class T>
struct Serialiser<SharedHandle<T>> {
  static void write(ByteWriter& writer, const SharedHandle<T>& handle) {
    write_value(writer, handle.object_->identity());
  }
  static void read(ByteReader& reader, SharedHandle<T>& handle) {
    sync::SharedObject::Identity identity;
    read_value(reader, identity);
    handle.object_ = &static_cast<T&>(sync::SharedObject::find(identity));
  }
};

}  // namespace paceline
