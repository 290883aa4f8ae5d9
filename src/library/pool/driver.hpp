// Rank 0 of a pool: the queue of what is not begun, who has what, and who is still there.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "library/pool/message_queue.hpp"
#include "library/pool/rank.hpp"
#include "library/pool/team.hpp"
#include "library/pool/work_queue.hpp"

namespace paceline::detail {

class Driver final : public PoolQueue {
 public:
  explicit Driver(Crew crew);
  ~Driver() override;

  void post(Group group) override;
  [[nodiscard]] int workers() const override { return workers_; }
  [[nodiscard]] double mean_task_s() const override { return team_->mean_task_s(); }

 private:
  /// A group that another rank has; its arguments are there.
  struct Away {
    std::shared_ptr<Ticket> ticket;
    std::int64_t first = 0;  ///< tasks of which nothing has come back yet
    std::int64_t count = 0;
  };
  /// Another rank.
  struct Follower {
    int rank = 0;
    bool is_near = false;  ///< a process of this node
    bool is_lost = false;
    bool has_left = false;
    std::unordered_map<std::uint64_t, Away> away;
    std::int64_t tasks_away = 0;
    double mean_task_s = 0;  ///< 0: unknown
    bool is_asked = false;   ///< to give groups back
    bool is_worth_asking = false;
    Clock::time_point heard = Clock::now();
    Clock::time_point last_outcome = Clock::now();
  };

  std::optional<Group> take();
  void carry();  ///< what the progress thread does
  bool read_messages();
  bool hand_out();
  [[nodiscard]] bool wants_more(const Follower& follower) const;
  bool send_groups(Follower& follower, std::size_t most);
  void read_outcomes(Follower& follower, const std::vector<std::byte>& bytes);
  void read_returned(Follower& follower, const std::vector<std::byte>& bytes);
  void recall();
  void look_after();
  void lose(Follower& follower, const std::string& why);
  void begin_to_stop();
  [[nodiscard]] bool is_all_over();
  [[nodiscard]] bool is_anything_away() const;
  void cancel(Group& group);

  Crew crew_;
  int workers_ = 0;
  WorkQueue queue_;
  MessageQueue messages_;
  std::vector<Follower> followers_;
  std::atomic<std::uint64_t> next_id_{1};
  std::size_t next_follower_ = 0;  ///< whose turn it is
  std::atomic<bool> stopping_{false};
  bool is_stop_sent_ = false;
  Clock::time_point last_look_;
  Clock::time_point last_sign_;
  std::unique_ptr<Team> team_;
  std::thread progress_;
};

}  // namespace paceline::detail
