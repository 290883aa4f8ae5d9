// Signs of life between nodes, beside MPI: whatever hangs in a collective call or in a slow file system, a thread that
// does nothing else still sends them, and a node that is gone does not.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <vector>

#include <paceline/comm.hpp>

#include "host/clock.hpp"
#include "host/silence_watch.hpp"

namespace paceline {

/// A ring: the first rank of each node sends UDP datagrams to the next node and listens for those of the node before
/// it, so that each node costs the same however many there are. What is lost or forbidden on the way never makes an
/// alarm: a node is listened for only once it was heard, and until it says that it leaves.
class Heartbeat {
 public:
  /// Collective over `world`; `node` are the ranks that share a node. Does nothing on one node.
  Heartbeat(const Comm& world, const Comm& node, double limit_s);
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat();

  /// Sends when it is time to, and takes what has come. Never waits.
  void beat();
  /// Tells the next node not to listen any more.
  void leave();

  /// Seconds since the node before this one was heard, while this process listened; 0 while it need not be.
  [[nodiscard]] double silence_s() const { return is_heard_ ? silence_.silence_s(0) : 0; }
  /// Has that node ever been heard? True on ranks that listen to none.
  [[nodiscard]] bool was_heard() const { return socket_ < 0 || was_heard_; }
  [[nodiscard]] int watched_rank() const { return before_.rank; }
  [[nodiscard]] const std::string& watched_host() const { return before_.host; }

 private:
  enum class Word : std::uint32_t { alive = 1, leaving = 2 };
  struct Node {
    int rank = 0;  ///< of its first rank, in the world
    std::string host;
    std::vector<sockaddr_in> addresses;
  };
  void send(Word word) const;

  int socket_ = -1;
  std::uint64_t key_ = 0;  ///< of this job
  std::uint32_t place_ = 0;
  std::uint32_t place_before_ = 0;
  Node before_;
  Node next_;
  double interval_s_;
  double sent_s_;
  bool is_heard_ = false;
  bool was_heard_ = false;
  bool has_left_ = false;
  Stopwatch clock_;
  SilenceWatch silence_;
};

}  // namespace paceline
