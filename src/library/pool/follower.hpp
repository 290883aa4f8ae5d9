// Any other rank of a pool: takes what it is sent, tells what became of it, and ends with rank 0.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "library/pool/message_queue.hpp"
#include "library/pool/messages.hpp"
#include "library/pool/rank.hpp"
#include "library/pool/team.hpp"
#include "library/pool/work_queue.hpp"

namespace paceline::detail {

class Follower final : public PoolQueue {
 public:
  explicit Follower(Crew crew);
  /// Waits until rank 0 is done with the pool.
  ~Follower() override;
  /// No message goes out any more: rank 0 will lose this rank. Tasks may still be running, so this must not be
  /// destroyed afterwards.
  void desert() { is_deserting_ = true; }

  void post(Group group) override;
  [[nodiscard]] int workers() const override;
  [[nodiscard]] double mean_task_s() const override { return team_->mean_task_s(); }

 private:
  void carry();  ///< what the progress thread does
  bool read_messages();
  bool report();
  void return_groups();
  void begin_to_stop();
  void look_after();

  Crew crew_;
  WorkQueue queue_;
  MessageQueue messages_;
  std::mutex mutex_;
  Writer reports_;  ///< of what was done since the last message
  std::atomic<bool> is_deserting_{false};
  bool is_stopping_ = false;
  bool has_left_ = false;
  bool is_dismissed_ = false;
  bool is_any_lost_ = false;
  Clock::time_point heard_ = Clock::now();
  Clock::time_point last_look_;
  Clock::time_point last_sign_;
  std::unique_ptr<Team> team_;
  std::thread progress_;
};

}  // namespace paceline::detail
