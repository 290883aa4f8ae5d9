#include "workloads/fetch/downloader.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace paceline::fetch {
namespace {

// How often signals are looked at while downloads are under way.
constexpr int longest_poll_ms = 20;
// How often free memory is looked for while a download waits for some.
constexpr int room_poll_ms = 2;
constexpr int idle_poll_ms = 1000;

/// For the calling thread and those it starts. A write to a connection that is gone is an error here, not a signal;
/// and signals that ask a run to stop must reach other threads, which may be interrupted.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

Downloader::Job::Job(std::string url, std::uint64_t number, const Settings& settings, Budget& budget)
    : transfer(std::move(url), number, settings, budget) {
  set(transfer.easy(), CURLOPT_PRIVATE, this);
}

Downloader::Downloader(Settings settings, std::function<bool()> stop, MemoryBudget& memory)
    : settings_(std::move(settings)), stop_(std::move(stop)), multi_(make_multi()), budget_{memory} {
  check_curl(curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(settings_.connections)),
             "curl_multi_setopt");
  thread_ = std::thread([this] { loop(); });
}

Downloader::~Downloader() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

void Downloader::submit(std::string url, std::uint64_t number, Done done) {
  std::unique_lock lock(mutex_);
  if (const auto error = error_) {
    lock.unlock();
    done({{}, error});
    return;
  }
  requests_.push_back({std::move(url), number, std::move(done)});
  lock.unlock();
  curl_multi_wakeup(multi_.get());
}

Answer Downloader::fetch(std::string url, std::uint64_t number) {
  std::promise<Outcome> promise;
  auto future = promise.get_future();
  submit(std::move(url), number, [&](Outcome outcome) { promise.set_value(std::move(outcome)); });
  auto outcome = future.get();
  if (outcome.error) std::rethrow_exception(outcome.error);
  return std::move(outcome.answer);
}

void Downloader::loop() {
  block_signals();
  try {
    while (turn()) {
    }
  } catch (...) {
    fail_all(std::current_exception());
    std::vector<Request> requests;
    {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      std::swap(requests, requests_);
    }
    for (auto& request : requests) request.done({{}, std::current_exception()});
  }
}

/// False when it was the last one.
bool Downloader::turn() {
  const bool goes_on = take_requests();
  if (!goes_on || stop_()) fail_all(std::make_exception_ptr(Stopped()));
  if (!goes_on) return false;

  forgive_own_absence(Clock::now());
  begin_some(Clock::now());
  int running = 0;
  check_curl(curl_multi_perform(multi_.get(), &running), "curl_multi_perform");
  end_finished();
  end_overdue(Clock::now());
  go_on(Clock::now());
  // Transfers that ended made room for others, which need not wait for the poll to end.
  begin_some(Clock::now());
  const int wait_ms = is_idle() ? idle_poll_ms : wants_room() ? room_poll_ms : longest_poll_ms;
  check_curl(curl_multi_poll(multi_.get(), nullptr, 0, wait_ms, nullptr), "curl_multi_poll");
  return true;
}

/// A process that was stopped (a suspended job, a debugger) or read a large file has listened to nobody meanwhile.
void Downloader::forgive_own_absence(Time now) {
  const auto absence = now - std::exchange(last_turn_, now);
  if (absence < std::chrono::seconds(1)) return;
  for (auto& job : active_) job->transfer.forgive(absence);
}

bool Downloader::wants_room() const {
  return budget_.paused > 0 || (!ready_.empty() && active_.size() < static_cast<std::size_t>(settings_.connections));
}

bool Downloader::take_requests() {
  std::vector<Request> requests;
  bool is_ending = false;
  {
    const std::lock_guard lock(mutex_);
    std::swap(requests, requests_);
    is_ending = is_ending_;
  }
  for (auto& request : requests) {
    try {
      auto job = std::make_unique<Job>(std::move(request.url), request.number, settings_, budget_);
      job->done = std::move(request.done);
      ready_.push_back(std::move(job));
    } catch (...) {
      request.done({{}, std::current_exception()});
    }
  }
  return !is_ending;
}

void Downloader::begin_some(Time now) {
  const auto may_begin = [&](const Job& job) {
    return active_.size() < static_cast<std::size_t>(settings_.connections) && job.transfer.may_begin();
  };
  while (!waiting_.empty() && waiting_.begin()->first <= now && may_begin(*waiting_.begin()->second)) {
    begin(std::move(waiting_.extract(waiting_.begin()).mapped()), now);
  }
  while (!ready_.empty() && may_begin(*ready_.front())) {
    auto job = std::move(ready_.front());
    ready_.pop_front();
    begin(std::move(job), now);
  }
  choose_oldest();
}

void Downloader::begin(std::unique_ptr<Job> job, Time now) {
  if (auto answer = job->transfer.begin(now)) {
    job->done({std::move(*answer), nullptr});
    return;
  }
  first_deadline_ = std::min(first_deadline_, job->transfer.deadline());
  active_.push_back(std::move(job));
  active_.back()->place = std::prev(active_.end());
  check_curl(curl_multi_add_handle(multi_.get(), active_.back()->transfer.easy()), "curl_multi_add_handle");
}

void Downloader::end_finished() {
  for (int left = 0; const auto* message = curl_multi_info_read(multi_.get(), &left);) {
    if (message->msg != CURLMSG_DONE) continue;
    Job* job = nullptr;
    check_curl(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job), "curl_easy_getinfo");
    end(*job, message->data.result);
  }
}

void Downloader::end_overdue(Time now) {
  if (now < first_deadline_) return;
  first_deadline_ = Time::max();
  for (auto next = active_.end(); next != active_.begin();) {
    auto& job = **--next;
    if (job.transfer.is_paused()) continue;
    if (job.transfer.deadline() > now) {
      first_deadline_ = std::min(first_deadline_, job.transfer.deadline());
      continue;
    }
    ++next;
    end(job, CURLE_OPERATION_TIMEDOUT);
  }
}

void Downloader::go_on(Time now) {
  if (budget_.paused == 0) return;
  for (auto next = active_.end(); next != active_.begin();) {
    auto& job = **--next;
    if (!job.transfer.is_paused() || !job.transfer.may_go_on()) continue;
    if (job.transfer.go_on(now)) {
      first_deadline_ = std::min(first_deadline_, job.transfer.deadline());
      continue;
    }
    ++next;
    end(job, CURLE_WRITE_ERROR);
  }
}

void Downloader::end(Job& ended, CURLcode code) {
  auto job = std::move(*ended.place);
  active_.erase(job->place);
  check_curl(curl_multi_remove_handle(multi_.get(), job->transfer.easy()), "curl_multi_remove_handle");
  if (auto answer = job->transfer.end(code, Clock::now())) {
    job->done({std::move(*answer), nullptr});
  } else {
    waiting_.emplace(job->transfer.due(), std::move(job));
  }
  choose_oldest();
}

void Downloader::choose_oldest() { budget_.oldest = active_.empty() ? nullptr : &active_.front()->transfer; }

void Downloader::fail_all(const std::exception_ptr& error) {
  std::vector<std::unique_ptr<Job>> jobs;
  for (auto& job : ready_) jobs.push_back(std::move(job));
  ready_.clear();
  for (auto& [due, job] : waiting_) jobs.push_back(std::move(job));
  waiting_.clear();
  for (auto& job : active_) {
    curl_multi_remove_handle(multi_.get(), job->transfer.easy());
    jobs.push_back(std::move(job));
  }
  active_.clear();
  choose_oldest();
  for (auto& job : jobs) job->done({{}, error});
}

}  // namespace paceline::fetch
