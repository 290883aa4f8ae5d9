#include <paceline/stream.hpp>

#include <thread>

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
  const auto is_there = [&] {
    return order_ == Order::of_inputs ? !in_order_.empty() && in_order_.begin()->first == wanted_
                                      : !as_they_came_.empty();
  };
  std::unique_lock lock(mutex_);
  // As in Awaited::wait(): short tasks are done without a wake-up each.
  for (int round = 0; round < 30 && !is_there(); ++round) {
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
  changed_.wait(lock, is_there);
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

}  // namespace paceline::detail
