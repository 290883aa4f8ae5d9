// Many futures at once: as they become ready, any of them, all of them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>

#include <paceline/future.hpp>

namespace paceline {
namespace detail {

/// Numbers of futures that are ready and have not been taken.
class ReadyNumbers {
 public:
  void add(std::size_t number) {
    const std::lock_guard lock(mutex_);
    numbers_.push_back(number);
    changed_.notify_all();
  }
  /// Nothing: too late.
  std::optional<std::size_t> next(const Deadline& deadline);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::size_t> numbers_;
};

template <class T>
Awaited& awaited_of(const Future<T>& future) {
  return FutureAccess<T>::awaited(future);
}

/// Futures in a container, which must outlive it.
template <class Futures>
class AsCompleted {
 public:
  AsCompleted(Futures& futures, Deadline deadline)
      : futures_(&futures), deadline_(deadline), ready_(std::make_shared<ReadyNumbers>()) {
    for (const auto& future : futures) {
      awaited_of(future).notify_when_ready([ready = ready_, number = left_] { ready->add(number); });
      ++left_;
    }
  }

  class Iterator {
   public:
    using value_type = std::ranges::range_value_t<Futures>;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(AsCompleted& all) : all_(&all) { ++*this; }
    value_type& operator*() const { return *std::ranges::next(std::ranges::begin(*all_->futures_), number_); }
    Iterator& operator++() {
      is_at_end_ = all_->left_ == 0;
      if (!is_at_end_) number_ = static_cast<std::ptrdiff_t>(all_->take());
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return is_at_end_; }
    /// Of the future in its container.
    [[nodiscard]] std::ptrdiff_t number() const { return number_; }

   private:
    AsCompleted* all_;
    std::ptrdiff_t number_ = 0;
    bool is_at_end_ = false;
  };
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::size_t take() {
    const auto number = ready_->next(deadline_);
    if (!number) {
      throw Error(ErrorKind::failure, "not all futures were ready in time", std::to_string(left_) + " are left");
    }
    --left_;
    return *number;
  }

  Futures* futures_;
  Deadline deadline_;
  std::shared_ptr<ReadyNumbers> ready_;
  std::size_t left_ = 0;
};

}  // namespace detail

/// The futures of a container one by one as they become ready: `for (auto& future : as_completed(futures))`.
template <std::ranges::forward_range Futures>
auto as_completed(Futures& futures) {
  return detail::AsCompleted<Futures>(futures, std::nullopt);
}
/// The same; the loop throws Error when the time is over and some are not ready.
template <std::ranges::forward_range Futures, class Rep, class Period>
auto as_completed(Futures& futures, std::chrono::duration<Rep, Period> limit) {
  return detail::AsCompleted<Futures>(futures, detail::deadline_after(limit));
}

/// Waits until one of the futures is ready; returns its number in the container, which must not be empty.
template <std::ranges::forward_range Futures>
std::ptrdiff_t wait_any(Futures& futures) {
  auto ready = detail::AsCompleted<Futures>(futures, std::nullopt);
  return ready.begin().number();
}
/// Nothing: none was ready in time.
template <std::ranges::forward_range Futures, class Rep, class Period>
std::optional<std::ptrdiff_t> wait_any_for(Futures& futures, std::chrono::duration<Rep, Period> limit) {
  const auto ready = std::make_shared<detail::ReadyNumbers>();
  std::size_t number = 0;
  for (const auto& future : futures) {
    detail::awaited_of(future).notify_when_ready([ready, number] { ready->add(number); });
    ++number;
  }
  const auto first = ready->next(detail::deadline_after(limit));
  return first ? std::optional(static_cast<std::ptrdiff_t>(*first)) : std::nullopt;
}

/// Waits until all futures are ready, failed ones too.
template <std::ranges::input_range Futures>
void wait_all(Futures& futures) {
  for (const auto& future : futures) future.wait();
}
/// True if all were ready in time.
template <std::ranges::input_range Futures, class Rep, class Period>
[[nodiscard]] bool wait_all_for(Futures& futures, std::chrono::duration<Rep, Period> limit) {
  const auto deadline = detail::deadline_after(limit);
  for (const auto& future : futures) {
    if (!detail::awaited_of(future).wait_until(deadline)) return false;
  }
  return true;
}

}  // namespace paceline
