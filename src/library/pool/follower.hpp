// Any other rank of a pool: takes what it is sent, tells what became of it, and ends with rank 0.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "host/silence_watch.hpp"
#include "library/comm/message_queue.hpp"
#include "library/pool/messages.hpp"
#include "library/pool/rank.hpp"
#include "library/pool/team.hpp"
#include "library/pool/work_queue.hpp"

namespace paceline::detail {

class Follower final : public PoolQueue {
 public:
  explicit Follower(Members members);
  /// Waits until rank 0 is done with the pool.
  ~Follower() override;
  /// No message goes out any more: rank 0 will lose this rank. Tasks may still be running, so this must not be
  /// destroyed afterwards.
  void desert() { is_deserting_ = true; }

  void post(Group group) override;
  void finish() override;
  [[nodiscard]] int workers() const override;
  [[nodiscard]] int ranks() const override { return members_.comm.size(); }

 private:
  [[noreturn]] void throw_not_driver() const;
  void carry();  ///< what the progress thread does
  bool read_messages();
  void read_groups(Message& message);
  void add_report_of(std::uint64_t group, Outcome outcome);
  bool report();
  void return_groups();
  /// False if it is neither waiting nor running here.
  bool terminate(std::uint64_t group);
  void terminate_late();
  void begin_to_stop();
  void look_after();

  Members members_;
  WorkQueue queue_;
  SilenceWatch silence_;
  MessageQueue messages_;
  std::mutex mutex_;
  std::vector<std::uint64_t> late_;  ///< groups to be terminated that were not found yet
  Batch reports_;                    ///< of what was done since the last message
  std::atomic<bool> is_deserting_{false};
  bool is_stopping_ = false;
  bool has_left_ = false;
  bool is_dismissed_ = false;
  bool is_any_gone_ = false;
  Clock::time_point last_look_;
  Clock::time_point last_sign_;
  std::unique_ptr<Team> team_;
  std::thread progress_;
};

}  // namespace paceline::detail
