#include <paceline/stream.hpp>

#include "library/pool/wait.hpp"

namespace paceline::detail {

void Arrivals::settle(Outcome outcome) {
  const std::lock_guard lock(mutex_);
  if (order_ == Order::of_inputs) {
    const auto first = outcome.first;
    in_order_.emplace(first, std::move(outcome));
    if (first != wanted_) return;
  } else {
    as_they_came_.push_back(std::move(outcome));
  }
  changed_.notify_one();
}

Outcome Arrivals::next() {
  std::unique_lock lock(mutex_);
  wait_until(lock, changed_, std::nullopt, [&] {
    return order_ == Order::of_inputs ? !in_order_.empty() && in_order_.begin()->first == wanted_
                                      : !as_they_came_.empty();
  });
  Outcome outcome;
  if (order_ == Order::of_inputs) {
    outcome = std::move(in_order_.begin()->second);
    in_order_.erase(in_order_.begin());
    wanted_ = outcome.first + outcome.count;
  } else {
    outcome = std::move(as_they_came_.front());
    as_they_came_.pop_front();
  }
  return outcome;
}

StreamPace::StreamPace(const StreamOptions& options, int workers) : options_(options), workers_(workers) {
  check_not_negative("StreamOptions::window", options.window);
  check_not_negative("StreamOptions::chunk", options.chunk);
  check_not_negative("StreamOptions::bytes", options.bytes);
  if (options_.window == 0) options_.window = 1024 * workers_;
}

void StreamPace::add(const Outcome& outcome) {
  result_bytes_ += static_cast<double>(outcome.results.size());
  // A task that had to wait for its core is soon forgotten.
  recent_s_ += outcome.seconds - recent_s_ / 8;
  recent_ += static_cast<double>(outcome.count) - recent_ / 8;
  done_ += outcome.count;
}

std::int64_t StreamPace::window(std::int64_t posted) const {
  const auto least = std::max(workers_, std::int64_t{1});
  auto most = 2 * least + (options_.chunk > 1 ? options_.chunk * least : 0) + 2 * done_;
  const auto bytes_each = argument_bytes_ / static_cast<double>(std::max(posted, std::int64_t{1})) +
                          result_bytes_ / static_cast<double>(std::max(done_, std::int64_t{1}));
  if (bytes_each > 0) {
    const auto fits = static_cast<double>(options_.bytes) / bytes_each;
    if (fits < static_cast<double>(most)) most = static_cast<std::int64_t>(fits);
  }
  return std::min(options_.window, std::max(most, least));
}

std::int64_t StreamPace::chunk() const {
  if (options_.chunk > 0) return options_.chunk;
  if (done_ == 0) return 1;
  const auto most = std::max(std::int64_t{1}, options_.window / (8 * workers_));
  const auto mean_s = std::max(recent_s_ / recent_, 1e-9);
  return std::clamp(static_cast<std::int64_t>(2e-4 / mean_s), std::int64_t{1}, most);
}

}  // namespace paceline::detail
