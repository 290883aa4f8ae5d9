// Messages between ranks: of any size, never waited for, so that a rank that dies holds up no other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <vector>

#include <paceline/bytes.hpp>
#include <paceline/comm.hpp>

#include "host/silence_watch.hpp"

namespace paceline::detail {

/// `kind` is the caller's. The body is what is large: it is neither copied nor touched on its way.
struct Message {
  int from = 0;
  int kind = 0;
  Bytes head;
  Bytes body;
};

/// On the way, a message is a header with a small head, and pieces of what is large. Pieces are small enough that each
/// is a sign of life even on a slow network, and only a few of them are on the way at a time, so that small messages
/// don't queue behind large ones. Used by one thread at a time.
class MessageQueue {
 public:
  /// `silence` hears of everything that comes. The communicator must be the queue's own.
  MessageQueue(const Comm& comm, SilenceWatch& silence);
  MessageQueue(const MessageQueue&) = delete;
  MessageQueue& operator=(const MessageQueue&) = delete;
  ~MessageQueue();

  void send(int to, int kind, Bytes head = {}, Bytes body = {});
  /// The next message that has come in full, if one has; those of one rank in the order in which they were sent.
  std::optional<Message> receive();
  /// Goes on with what is under way. True when everything has left this rank, apart from what goes to ignored ranks.
  bool is_all_sent();
  /// Bytes that have not left yet, apart from what goes to ignored ranks.
  [[nodiscard]] std::size_t unsent_bytes() const { return unsent_bytes_; }
  /// No end of what goes to this rank is waited for, or again.
  void ignore(int rank, bool is_ignored);

 private:
  struct Header {
    std::int32_t kind = 0;
    std::int32_t has_head = 0;  ///< it follows the header
    std::uint64_t head_bytes = 0;
    std::uint64_t body_bytes = 0;
  };
  /// One that goes out, or comes in.
  struct Transfer {
    int rank = 0;
    Header header;
    Bytes first;  ///< header, and head if it is small
    Bytes head, body;
    MPI_Request first_request = MPI_REQUEST_NULL;
    std::deque<MPI_Request> pieces;
    std::uint64_t begun = 0;  ///< bytes of head and body
    bool is_parsed = false;
    [[nodiscard]] std::uint64_t bytes() const;
    [[nodiscard]] std::byte* at(std::uint64_t place);
    [[nodiscard]] std::uint64_t piece() const;
    [[nodiscard]] bool is_done() const;
  };

  bool go_on_sending(Transfer& transfer, bool may_begin);
  bool go_on_receiving(Transfer& transfer, bool may_begin);
  bool drop_finished(std::deque<MPI_Request>& requests) const;
  bool take_first();
  std::optional<Message> take_finished();

  Comm comm_;
  SilenceWatch& silence_;
  std::list<Transfer> outgoing_;
  std::vector<std::uint8_t> is_ignored_;       ///< per rank
  std::vector<std::list<Transfer>> incoming_;  ///< per rank, in their order
  std::vector<int> active_;                    ///< ranks of which something is coming
  std::vector<std::uint8_t> is_sending_to_;    ///< per rank, within a call
  std::size_t unsent_bytes_ = 0;
};

}  // namespace paceline::detail
