// The compute threads of one rank of a pool, and the watch over tasks that don't return.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <paceline/pool_queue.hpp>

#include "library/pool/work_queue.hpp"

namespace paceline::detail {

/// Whether the calling thread runs a task of any pool.
bool is_in_task();
/// Throws Error in a task: it can't submit.
void check_not_in_task();

class Team {
 public:
  struct Duty {
    std::function<std::optional<Group>()> take;       ///< the next group, or nothing; by any thread
    std::function<void(Group& group, Outcome)> give;  ///< what became of it, or of its first tasks; by any thread
    std::function<void(Group rest)> give_back;        ///< tasks behind one that did not return
  };
  /// Threads sleep on `queue` when there is nothing to take. Tasks are given up after `task_s`.
  Team(int threads, WorkQueue& queue, Duty duty, int rank, std::string host, double task_s);
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  /// Every thread ends with the group it is at, but for those that are given up.
  ~Team();

  /// To be called often, by one thread: gives tasks up that have run too long or were terminated, and threads with
  /// them. New ones take their places.
  void watch();
  /// By the same thread: gives up the task of this group that runs, and what is behind it. False: no thread runs it.
  bool terminate(std::uint64_t group);
  /// Threads that are at a task, or about to take one.
  [[nodiscard]] int busy() const { return busy_.load(); }
  [[nodiscard]] int size() const { return threads_; }
  [[nodiscard]] bool is_full() const { return busy() >= size(); }

 private:
  using Clock = std::chrono::steady_clock;
  /// A group while it is run. It outlives the team where a thread does.
  struct Running {
    explicit Running(Group g)
        : group(std::move(g)), run(group.first, group.count, std::move(group.arguments), group.held) {}
    Group group;
    GroupRun run;
    bool is_terminated = false;
    Clock::time_point start = Clock::now();
  };
  /// One thread's place.
  struct ThreadSlot {
    std::thread thread;
    std::mutex mutex;
    std::shared_ptr<Running> running;
    std::uint64_t serial = 0;  ///< of the groups run here
    // For watch().
    std::uint64_t seen_serial = 0;
    std::int64_t seen_state = -1;
    Clock::time_point since;
  };

  /// Runs a task in place of a thread that waits in an action.
  class Helper;

  std::unique_ptr<ThreadSlot> new_slot();
  void work(ThreadSlot& slot);
  void rest(int round);
  [[nodiscard]] bool run(ThreadSlot& slot, Group group);
  void give_up(Running& running, std::int64_t task);

  int threads_;
  WorkQueue& queue_;
  Duty duty_;
  int rank_;
  std::string host_;
  Clock::duration task_limit_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> busy_{0};
  std::vector<std::unique_ptr<ThreadSlot>> slots_;
};

}  // namespace paceline::detail
