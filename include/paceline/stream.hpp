// Streams: results of a pool's imap(), taken one by one while inputs are read only so far ahead.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <utility>

#include <paceline/completion.hpp>
#include <paceline/pool_queue.hpp>

namespace paceline {

struct StreamOptions {
  /// Inputs that are taken before their results are asked for, at the most. 0: 1,024 a thread.
  std::int64_t window = 0;
  /// Tasks handed out at once. 0: as many as take about 0.2 ms, by the tasks of this stream done so far.
  std::int64_t chunk = 0;
  /// Bytes of arguments and results that the stream holds, by the mean of those so far; but each thread of the pool has
  /// a task, however large they are.
  std::int64_t bytes = std::int64_t{64} << 20;
};

enum class Order { of_inputs, as_they_come };

namespace detail {

/// Outcomes of a stream on their way to its owner.
class Arrivals final : public Ticket {
 public:
  explicit Arrivals(Order order) : order_(order) {}
  void settle(Outcome outcome) override;
  /// Waits for the next one, in the stream's order.
  Outcome next();

 private:
  Order order_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, Outcome> in_order_;
  std::deque<Outcome> as_they_came_;
  std::int64_t wanted_ = 0;  ///< first task of the next outcome in order
};

/// How far a stream may be ahead of its owner, and in groups of how many tasks. It begins with little and doubles,
/// since only results tell how long tasks take and how large their results are.
class StreamPace {
 public:
  /// Throws Error for options that make no sense.
  StreamPace(const StreamOptions& options, int workers);
  void add_arguments(std::size_t bytes) { argument_bytes_ += static_cast<double>(bytes); }
  void add(const Outcome& outcome);
  /// Tasks that may be under way or waiting to be taken. `posted`: all so far.
  [[nodiscard]] std::int64_t window(std::int64_t posted) const;
  /// Tasks a group.
  [[nodiscard]] std::int64_t chunk() const;

 private:
  StreamOptions options_;
  std::int64_t workers_;
  double argument_bytes_ = 0;  ///< of all that was posted
  double result_bytes_ = 0;
  double recent_s_ = 0;  ///< that tasks took, the last ones above all
  double recent_ = 0;    ///< as many tasks
  std::int64_t done_ = 0;
};

}  // namespace detail

/// A range to be gone through once. `*it` throws TaskError if that task failed; the loop may go on after it.
template <class R, class Inputs, class Arguments>
class Stream {
 public:
  Stream(detail::PoolQueue& queue, detail::TaskId function, Bytes held, Inputs inputs, const StreamOptions& options,
         Order order)
      : queue_(&queue),
        function_(function),
        held_(std::move(held)),
        inputs_(std::move(inputs)),
        pace_(options, queue.workers()),
        arrivals_(std::make_shared<detail::Arrivals>(order)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { arrivals_->cancel(); }

  class Iterator {
   public:
    using value_type = R;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(Stream& stream) : stream_(&stream) {}
    /// The result; valid until the iterator moves on, and may be moved from.
    R& operator*() const { return stream_->value(); }
    Iterator& operator++() {
      stream_->advance();
      return *this;
    }
    void operator++(int) { stream_->advance(); }
    bool operator==(std::default_sentinel_t) const { return stream_->is_at_end_; }

   private:
    Stream* stream_;
  };
  Iterator begin() {
    next_input_.emplace(std::ranges::begin(inputs_));
    advance();
    return Iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }
  /// The number of the input that the iterator is at.
  [[nodiscard]] std::int64_t task() const { return task_; }

 private:
  void advance() {
    if (in_outcome_ == outcome_.count) {
      fill();
      if (posted_ == taken_) {
        is_at_end_ = true;
        return;
      }
      outcome_ = arrivals_->next();
      pace_.add(outcome_);
      fill_at_ = 0;
      reader_.emplace(outcome_.results);
      in_outcome_ = 0;
      failures_seen_ = 0;
    }
    task_ = outcome_.first + in_outcome_++;
    ++taken_;
    value_.reset();
    failure_ = nullptr;
    unreadable_ = nullptr;
    if (failures_seen_ < outcome_.failures.size() && outcome_.failures[failures_seen_].task == task_) {
      failure_ = &outcome_.failures[failures_seen_++];
    } else {
      try {
        detail::read_next_result(*reader_, value_.emplace());
      } catch (...) {
        unreadable_ = std::current_exception();
      }
    }
    if (taken_ >= fill_at_) fill();
  }

  R& value() {
    if (failure_ != nullptr) detail::throw_failure(outcome_, *failure_);
    if (unreadable_) std::rethrow_exception(unreadable_);
    return *value_;
  }

  /// Takes inputs as far as the window allows.
  void fill() {
    for (;;) {
      const auto window = pace_.window(posted_);
      const auto room = window - (posted_ - taken_);
      const auto size = std::min(pace_.chunk(), window);
      // Whole groups, unless nothing is under way at all.
      if (room < size && posted_ > taken_) {
        fill_at_ = taken_ + size - room;
        return;
      }
      detail::Group group{0, function_, posted_, 0, {}, held_, arrivals_};
      ByteWriter writer;
      while (group.count < std::min(room, size) && has_input()) {
        detail::write_arguments(writer, detail::arguments_of_input<Arguments>(**next_input_));
        is_input_used_ = true;
        ++group.count;
      }
      if (group.count == 0) {
        fill_at_ = std::numeric_limits<std::int64_t>::max();
        return;
      }
      posted_ += group.count;
      pace_.add_arguments(writer.size());
      group.arguments = writer.take();
      queue_->post(std::move(group));
    }
  }

  /// Goes on to the next input only when it is wanted: getting it may take time.
  bool has_input() {
    if (is_input_used_) ++*next_input_;
    is_input_used_ = false;
    return *next_input_ != std::ranges::end(inputs_);
  }

  detail::PoolQueue* queue_;
  detail::TaskId function_;
  Bytes held_;
  Inputs inputs_;
  detail::StreamPace pace_;
  std::shared_ptr<detail::Arrivals> arrivals_;
  std::optional<std::ranges::iterator_t<Inputs>> next_input_;
  bool is_input_used_ = false;
  std::int64_t posted_ = 0;   ///< inputs
  std::int64_t taken_ = 0;    ///< results
  std::int64_t fill_at_ = 0;  ///< so many of them: sooner, fill() would do nothing
  bool is_at_end_ = false;

  detail::Outcome outcome_;
  std::optional<ByteReader> reader_;
  std::int64_t in_outcome_ = 0;
  std::size_t failures_seen_ = 0;
  std::int64_t task_ = -1;
  std::optional<R> value_;
  const detail::Failure* failure_ = nullptr;
  std::exception_ptr unreadable_;
};

}  // namespace paceline
