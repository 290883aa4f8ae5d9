// Downloads by one thread that waits for all of them at once: libcurl's multi interface, requests in, answers out.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "workloads/fetch/download.hpp"
#include "workloads/fetch/transfer.hpp"

namespace paceline::fetch {

/// Never has more than Settings::connections at a time, reuses them, and waits between attempts without one.
class Downloader {
 public:
  /// What became of a URL: an answer, or what went wrong; Stopped when `stop` has come true.
  struct Stopped {};
  struct Outcome {
    Answer answer;
    std::exception_ptr error;
  };
  using Done = std::function<void(Outcome)>;

  /// `stop` is asked by the thread every few milliseconds; when it says true, all downloads end. Bodies are counted in
  /// `memory` from their first byte on; whoever has them from an answer gives the bytes back when they are gone.
  Downloader(Settings settings, std::function<bool()> stop, MemoryBudget& memory);
  Downloader(const Downloader&) = delete;
  Downloader& operator=(const Downloader&) = delete;
  /// Nobody may be waiting any more.
  ~Downloader();

  /// Puts a URL into the queue; any thread. `number` makes its waits its own. `done` is called once, by the thread that
  /// waits for all downloads; that a download failed is an answer, that libcurl itself failed is an error.
  void submit(std::string url, std::uint64_t number, Done done);
  /// The same for one that is waited for. Throws Stopped, or what went wrong.
  Answer fetch(std::string url, std::uint64_t number);

 private:
  struct Request {
    std::string url;
    std::uint64_t number = 0;
    Done done;
  };
  struct Job;
  using Jobs = std::list<std::unique_ptr<Job>>;
  /// Its handle leads to it.
  struct Job {
    Transfer transfer;
    Done done;
    Jobs::iterator place;  ///< where it is active
    Job(std::string url, std::uint64_t number, const Settings& settings, Budget& budget);
  };

  void loop();
  bool turn();
  bool take_requests();
  void forgive_own_absence(Time now);
  /// Some could go on, or begin, if there were memory for it.
  [[nodiscard]] bool wants_room() const;
  void begin_some(Time now);
  void begin(std::unique_ptr<Job> job, Time now);
  void end_finished();
  void end_overdue(Time now);
  void end(Job& job, CURLcode code);
  void go_on(Time now);
  void choose_oldest();
  void fail_all(const std::exception_ptr& error);
  [[nodiscard]] bool is_idle() const { return ready_.empty() && active_.empty() && waiting_.empty(); }

  const Settings settings_;
  const std::function<bool()> stop_;
  Multi multi_;

  std::mutex mutex_;
  std::vector<Request> requests_;
  bool is_ending_ = false;
  std::exception_ptr error_;  ///< once the thread can't go on

  // The thread's own.
  Budget budget_;
  std::deque<std::unique_ptr<Job>> ready_;
  Jobs active_;                        ///< in `multi_`, the oldest first
  Time first_deadline_ = Time::max();  ///< of those that are not paused; none is earlier
  std::multimap<Time, std::unique_ptr<Job>> waiting_;
  Time last_turn_ = Clock::now();

  std::thread thread_;
};

}  // namespace paceline::fetch
