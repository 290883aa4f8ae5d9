// Rank 0 of a pool: the queue of what is not begun, who has what, and who is still there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "host/silence_watch.hpp"
#include "library/comm/message_queue.hpp"
#include "library/pool/messages.hpp"
#include "library/pool/rank.hpp"
#include "library/pool/task_times.hpp"
#include "library/pool/team.hpp"
#include "library/pool/work_queue.hpp"

namespace paceline::detail {

class Driver final : public PoolQueue {
 public:
  explicit Driver(Members members);
  ~Driver() override;

  void post(Group group) override;
  void finish() override;
  [[nodiscard]] int workers() const override { return workers_; }
  [[nodiscard]] int ranks() const override { return members_.comm.size(); }

 private:
  /// A group that another rank has; its arguments are there.
  struct Away {
    std::shared_ptr<Ticket> ticket;
    TaskId function = 0;
    std::int64_t first = 0;  ///< tasks of which nothing has come back yet
    std::int64_t count = 0;
    bool is_terminated = false;  ///< it was told
  };
  /// Another rank.
  struct Follower {
    int rank = 0;
    bool is_near = false;  ///< a process of this node
    bool is_lost = false;  ///< and gets nothing any more, even if it lives
    bool has_left = false;
    std::unordered_map<std::uint64_t, Away> away;
    std::unordered_map<TaskId, std::int64_t> tasks_away;  ///< by function
    bool is_asked = false;                                ///< to give groups back
    bool is_worth_asking = false;
    Clock::time_point last_outcome = Clock::now();
  };
  class ProgressDuty;

  std::optional<Group> take();      ///< for other ranks
  std::optional<Group> take_own();  ///< for this one
  void settle(Ticket& ticket, Outcome outcome);
  [[nodiscard]] bool is_all_settled() const;
  void carry();  ///< what the progress thread does
  bool read_messages();
  bool hand_out();
  [[nodiscard]] bool wants_more(const Follower& follower) const;
  /// Seconds that a thread would take for all that the rank has; infinite if a function was never timed.
  [[nodiscard]] double work_away_s(const Follower& follower) const;
  void send_away(Follower& follower, Batch& batch, Group group);
  bool send_groups(Follower& follower, std::size_t most);
  bool send_pinned();
  void remove_away(Follower& follower, const Away& away, std::int64_t tasks);
  void read_outcomes(Follower& follower, Message& message);
  void read_returned(Follower& follower, Message& message);
  void recall();
  void terminate_away();
  void look_after();
  void look_after(Follower& follower);
  void lose(Follower& follower, const std::string& why);
  void begin_to_stop();
  [[nodiscard]] bool is_there(const Follower& follower) const;
  [[nodiscard]] bool is_all_over();
  [[nodiscard]] bool is_anything_away() const;
  [[nodiscard]] const RankInfo& info(const Follower& follower) const {
    return members_.ranks[static_cast<std::size_t>(follower.rank)];
  }
  void cancel(Group& group);

  Members members_;
  int workers_ = 0;
  WorkQueue queue_;
  SilenceWatch silence_;
  MessageQueue messages_;
  TaskTimes times_;
  std::vector<Follower> followers_;
  std::mutex pinned_mutex_;
  std::vector<Group> pinned_;      ///< that only one other rank may run
  std::size_t next_follower_ = 0;  ///< whose turn it is
  std::atomic<bool> stopping_{false};
  bool is_stop_sent_ = false;
  Clock::time_point last_look_;
  Clock::time_point last_sign_;
  int terminations_seen_ = Ticket::terminations();
  std::mutex finish_mutex_;
  std::condition_variable finished_;
  std::atomic<int> finishing_{0};  ///< threads in finish()
  // In cache lines of their own: who submits writes one, and threads that end tasks the other, all the time.
  struct alignas(64) Posted {
    std::atomic<std::uint64_t> groups{0};
    std::atomic<std::int64_t> tasks{0};
  } posted_;
  struct alignas(64) Settled {
    std::atomic<std::int64_t> tasks{0};
  } settled_;
  std::unique_ptr<Team> team_;
  std::thread progress_;
};

}  // namespace paceline::detail
