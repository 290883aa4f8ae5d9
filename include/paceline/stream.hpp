// Streams: results of a pool's imap(), taken one by one while inputs are read only so far ahead.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include <paceline/future.hpp>
#include <paceline/pool_queue.hpp>

namespace paceline {

struct StreamOptions {
  /// Inputs that are taken before their results are asked for, at the most: this bounds memory. 0: 1,024 a thread.
  std::int64_t window = 0;
  /// Tasks handed out at once. 0: as many as take about 0.2 ms, by the tasks done so far.
  std::int64_t chunk = 0;
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

}  // namespace detail

/// A range to be gone through once. `*it` throws TaskError if that task failed; the loop may go on after it.
template <class R, class Inputs, class Arguments>
class Stream {
 public:
  Stream(detail::PoolQueue& queue, detail::TaskId function, Inputs inputs, const StreamOptions& options, Order order)
      : queue_(&queue),
        function_(function),
        inputs_(std::move(inputs)),
        window_(options.window > 0 ? options.window : std::int64_t{1024} * queue.workers()),
        chunk_(options.chunk),
        arrivals_(std::make_shared<detail::Arrivals>(order)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { arrivals_->cancel(); }

  class Iterator {
   public:
    using value_type = R;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(Stream& stream) : stream_(&stream) {}
    /// The result; once.
    R operator*() const { return stream_->take(); }
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
      reader_.emplace(outcome_.results);
      in_outcome_ = 0;
      failures_seen_ = 0;
    }
    task_ = outcome_.first + in_outcome_++;
    ++taken_;
    value_.reset();
    failure_ = nullptr;
    if (failures_seen_ < outcome_.failures.size() && outcome_.failures[failures_seen_].task == task_) {
      failure_ = &outcome_.failures[failures_seen_++];
    } else {
      read_value(*reader_, value_.emplace());
    }
    fill();
  }

  R take() {
    if (failure_ != nullptr) detail::throw_failure(outcome_, *failure_);
    return std::move(*value_);
  }

  /// Takes inputs as far as the window allows.
  void fill() {
    const auto workers = queue_->workers();
    for (;;) {
      const auto room = window_ - (posted_ - taken_);
      const auto size = std::min(chunk_size(workers), window_);
      // Whole groups, unless nothing is under way at all.
      if (room < size && posted_ > taken_) return;
      detail::Group group{0, function_, posted_, 0, {}, arrivals_};
      Writer writer;
      while (group.count < std::min(room, size) && has_input()) {
        write_value(writer, Arguments(**next_input_));
        is_input_used_ = true;
        ++group.count;
      }
      if (group.count == 0) return;
      posted_ += group.count;
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

  [[nodiscard]] std::int64_t chunk_size(int workers) const {
    if (chunk_ > 0) return chunk_;
    const auto mean_s = queue_->mean_task_s();
    const auto most = std::max(std::int64_t{1}, window_ / (std::int64_t{8} * workers));
    return mean_s > 0 ? std::clamp(static_cast<std::int64_t>(2e-4 / mean_s), std::int64_t{1}, most) : 1;
  }

  detail::PoolQueue* queue_;
  detail::TaskId function_;
  Inputs inputs_;
  std::int64_t window_;
  std::int64_t chunk_;
  std::shared_ptr<detail::Arrivals> arrivals_;
  std::optional<std::ranges::iterator_t<Inputs>> next_input_;
  bool is_input_used_ = false;
  std::int64_t posted_ = 0;  ///< inputs
  std::int64_t taken_ = 0;   ///< results
  bool is_at_end_ = false;

  detail::Outcome outcome_;
  std::optional<Reader> reader_;
  std::int64_t in_outcome_ = 0;
  std::size_t failures_seen_ = 0;
  std::int64_t task_ = -1;
  std::optional<R> value_;
  const detail::Failure* failure_ = nullptr;
};

}  // namespace paceline
