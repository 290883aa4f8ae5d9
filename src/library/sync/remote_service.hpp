// Between nodes: a thread of rank 0 does what ranks of other nodes ask for, and notices when one falls silent.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "library/sync/core.hpp"

namespace paceline::sync {

class RemoteService {
 public:
  /// Ranks at home apart from rank 0 have one that nobody calls.
  explicit RemoteService(Core& core);
  RemoteService(const RemoteService&) = delete;
  RemoteService& operator=(const RemoteService&) = delete;
  ~RemoteService();

  /// On a rank elsewhere: has it done and waits for the answer.
  void ask(Operation& op);
  /// What the living thread does until it is stopped, or everybody has said goodbye.
  void live(const std::stop_token& stop);
  /// From now on live() ends by itself, once all have said goodbye. Not orderly: it ends when it is stopped.
  void close(bool is_orderly);

 private:
  using Clock = std::chrono::steady_clock;
  struct Guest;    // an operation of another rank, under way here
  struct Sending;  // a message under way

  void serve(const std::stop_token& stop);
  void receive_calls(bool& is_busy);
  void receive_beats(bool& is_busy);
  void go_on_with_guests(bool& is_busy);
  void watch();
  void answer(Guest& guest);
  void send(int rank, int tag, std::vector<std::byte> bytes);
  void drop_finished();
  void beat(const std::stop_token& stop);
  [[nodiscard]] bool home_is_silent() const;

  Core& core_;
  std::atomic<bool> closing_{false};
  std::atomic<Life::Status> last_word_{Life::finalised};  ///< unless it is closed before
  // Of rank 0's serving thread.
  std::list<Guest> guests_;
  std::list<Sending> sendings_;
  std::vector<Clock::time_point> heard_;  ///< per rank
  int goodbyes_due_ = 0;
  // Of ranks elsewhere.
  std::atomic<Clock::rep> heard_home_{0};
  std::atomic<bool> given_up_{false};
  std::mutex left_mutex_;
  std::vector<std::shared_ptr<std::vector<std::byte>>> left_behind_;  ///< that MPI may still write to
};

}  // namespace paceline::sync
