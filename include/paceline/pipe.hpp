// Two ends that talk to each other, in both directions.
#pragma once

#include <string>
#include <utility>

#include <paceline/queue.hpp>

namespace paceline {

/// multiprocessing's Pipe between any threads of any ranks; T is serialisable. What one end sends the other receives,
/// in order. send() waits while there is no room, receive() while nothing is there; both throw Error naming a rank that
/// has died, since it may be the one waited for.
template <class T>
class Pipe {
 public:
  /// One of the two ends; a handle, for as long as the pipe lives.
  class End {
   public:
    /// Throws Error if either end is closed.
    void send(const T& value) const { out_->push(value); }
    /// Nothing: the other end is closed, and all that it sent was received.
    std::optional<T> receive() const { return in_->pop(); }
    /// Nothing: nothing came in time.
    template <class Rep, class Period>
    std::optional<T> receive_for(const std::chrono::duration<Rep, Period>& duration) const {
      return in_->try_pop_for(duration);
    }
    /// Whether receive() would not wait.
    [[nodiscard]] bool poll() const { return in_->size() > 0; }
    /// This end sends no more.
    void close() const { out_->close(); }

   private:
    friend class Pipe;
    End(Queue<T>& out, Queue<T>& in) : out_(&out), in_(&in) {}
    Queue<T>* out_;
    Queue<T>* in_;
  };

  /// Collective, and so is destruction. `room`: of each direction.
  explicit Pipe(const Domain& domain, const QueueRoom& room = {}, const std::string& name = "pipe")
      : there_(domain, room, name), back_(domain, room, name) {}

  [[nodiscard]] End first() { return {there_, back_}; }
  [[nodiscard]] End second() { return {back_, there_}; }

 private:
  Queue<T> there_, back_;
};

}  // namespace paceline
