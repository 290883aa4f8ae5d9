// Messages between the ranks of a pool: of any size, never waited for, so that a rank that dies holds up nobody.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <vector>

#include <paceline/comm.hpp>

namespace paceline::detail {

enum class Kind : int {
  tasks = 1,  ///< to a rank: groups to run
  outcomes,   ///< from it: what became of them
  recall,     ///< to it: give back what nobody has begun
  returned,   ///< from it: groups that go back
  sign,       ///< either way: a sign of life
  stop,       ///< to it: cancel what is not begun, end what is, and take leave
  leave,      ///< from it: its last message
  farewell,   ///< to it: the answer, and the last one
};

struct Message {
  int from = 0;
  Kind kind = Kind::sign;
  std::vector<std::byte> bytes;
};

/// Used by one thread.
class MessageQueue {
 public:
  explicit MessageQueue(const Comm& comm) : comm_(comm), arriving_(static_cast<std::size_t>(comm.size())) {}
  MessageQueue(const MessageQueue&) = delete;
  MessageQueue& operator=(const MessageQueue&) = delete;
  ~MessageQueue();

  void send(int to, Kind kind, std::vector<std::byte> bytes = {});
  /// The next message that has come in full, if one has; those of one rank in the order they were sent.
  std::optional<Message> receive();
  /// True when everything has left this rank.
  bool is_all_sent();
  /// Bytes that have not left yet.
  [[nodiscard]] std::size_t unsent_bytes() const { return unsent_bytes_; }
  /// Nothing goes to or comes from this rank any more.
  void forget(int rank);

 private:
  struct Sending {
    int to = 0;
    std::vector<std::byte> bytes;
    std::vector<MPI_Request> requests;
  };
  struct Piece {
    int tag = 0;
    std::vector<std::byte> bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  void post_receives();

  Comm comm_;
  std::list<Sending> sending_;
  std::size_t unsent_bytes_ = 0;
  std::vector<std::deque<Piece>> arriving_;  ///< per rank, in their order
  std::list<std::vector<std::byte>> lost_;   ///< memory that MPI may still write to
  bool has_lost_ = false;
};

}  // namespace paceline::detail
