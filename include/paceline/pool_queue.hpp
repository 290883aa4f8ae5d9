// How groups of tasks get into a pool: the part of it that its templates need.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <paceline/completion.hpp>
#include <paceline/serialise.hpp>
#include <paceline/task.hpp>

namespace paceline::detail {

/// Consecutive tasks of one function that travel together.
struct Group {
  std::uint64_t id = 0;
  TaskId function = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
  Bytes arguments;
  Bytes held;                      ///< of the function object
  std::shared_ptr<Ticket> ticket;  ///< on rank 0
  int rank = -1;                   ///< the only one that may run it; -1: any
};

class PoolQueue {
 public:
  PoolQueue() = default;
  PoolQueue(const PoolQueue&) = delete;
  PoolQueue& operator=(const PoolQueue&) = delete;
  virtual ~PoolQueue() = default;

  /// Throws Error where groups can't be posted: on other ranks than 0, and in tasks.
  virtual void post(Group group) = 0;
  /// Waits until nothing that was posted is left.
  virtual void finish() = 0;
  /// Compute threads of all ranks.
  [[nodiscard]] virtual int workers() const = 0;
  [[nodiscard]] virtual int ranks() const = 0;

  /// A single task, numbered by the calls of this.
  void post_one(TaskId function, Bytes held, Bytes arguments, std::shared_ptr<Ticket> ticket, int rank) {
    const auto number = submitted_.fetch_add(1, std::memory_order_relaxed);
    ticket->set_first(number);
    post({0, function, number, 1, std::move(arguments), std::move(held), std::move(ticket), rank});
  }

  /// Cuts many tasks into groups and posts them as their arguments come.
  class Cut {
   public:
    /// `chunk`: tasks a group; 0: fewer towards the end.
    Cut(PoolQueue& queue, TaskId function, Bytes held, std::shared_ptr<Ticket> ticket, std::int64_t tasks,
        std::int64_t chunk)
        : queue_(queue),
          function_(function),
          held_(std::move(held)),
          ticket_(std::move(ticket)),
          left_(tasks),
          chunk_(chunk) {
      begin();
    }
    /// For the arguments of the next task.
    ByteWriter& writer() { return writer_; }
    /// They are written.
    void next() {
      if (++group_.count < size_) return;
      left_ -= group_.count;
      const auto first = group_.first + group_.count;
      const auto bytes = writer_.size();
      group_.arguments = writer_.take();
      queue_.post(std::move(group_));
      begin(first);
      writer_.reserve(bytes);
    }

   private:
    void begin(std::int64_t first = 0) {
      group_ = {0, function_, first, 0, {}, held_, ticket_};
      const auto fair = left_ / (std::int64_t{pieces} * queue_.workers());
      size_ = chunk_ > 0 ? std::min(chunk_, left_) : std::clamp(fair, std::int64_t{1}, largest);
    }
    // So many groups a thread if the rest were cut evenly; the largest group is short enough to be moved and cancelled.
    static constexpr int pieces = 8;
    static constexpr std::int64_t largest = 1 << 18;

    PoolQueue& queue_;
    TaskId function_;
    Bytes held_;
    std::shared_ptr<Ticket> ticket_;
    std::int64_t left_;
    std::int64_t chunk_;
    std::int64_t size_ = 1;
    Group group_;
    ByteWriter writer_;
  };

 private:
  std::atomic<std::int64_t> submitted_{0};
};

/// Throws Error for a negative number.
void check_not_negative(const char* what, std::int64_t number);

}  // namespace paceline::detail
