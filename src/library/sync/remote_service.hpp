// Between nodes: a thread of rank 0 does what ranks of other nodes ask for, and notices when one is silent.
#pragma once

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "host/silence_watch.hpp"
#include "library/comm/message_queue.hpp"
#include "library/sync/core.hpp"

namespace paceline::sync {

class RemoteService {
 public:
  /// Ranks at home apart from rank 0 have one that is never used.
  explicit RemoteService(Core& core);
  RemoteService(const RemoteService&) = delete;
  RemoteService& operator=(const RemoteService&) = delete;
  ~RemoteService();

  /// On a rank elsewhere: has it done and waits for the answer.
  void ask(Operation& op);
  /// What the living thread does until it is stopped, or all have said goodbye.
  void live(const std::stop_token& stop);
  /// From now on live() ends by itself, once all have said goodbye. Not orderly: it ends when it is stopped.
  void close(bool is_orderly);

 private:
  using Clock = std::chrono::steady_clock;
  struct RemoteCall;  // an operation of another rank, under way here

  void serve(const std::stop_token& stop);
  void begin_call(const detail::Message& message);
  /// True if it is done.
  bool go_on(RemoteCall& call);
  void go_on_with_calls(bool& is_busy);
  void take_beat(const detail::Message& message);
  void watch();
  void answer(const RemoteCall& call);
  void send(int rank, int kind, Bytes bytes);
  void beat(const std::stop_token& stop);
  void take_answers();

  Core& core_;
  std::atomic<bool> closing_{false};
  std::atomic<Life::Status> last_word_{Life::finalised};  ///< unless it is closed before
  /// Of ranks elsewhere, where any thread may ask: what follows is theirs together.
  std::mutex mutex_;
  SilenceWatch silence_;
  detail::MessageQueue messages_;
  // Of rank 0's serving thread.
  std::list<RemoteCall> calls_;
  std::vector<std::uint8_t> is_agent_known_;
  int goodbyes_due_ = 0;
  // Of ranks elsewhere.
  std::uint64_t next_call_ = 0;
  std::map<std::uint64_t, Bytes> answers_;  ///< that have come, by call
  bool is_let_go_ = false;
};

}  // namespace paceline::sync
