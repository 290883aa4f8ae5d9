#include "library/comm/message_queue.hpp"

#include <algorithm>
#include <cstring>

namespace paceline::detail {
namespace {

constexpr int first_tag = 1;
constexpr int piece_tag = 2;

constexpr std::size_t largest_piece = std::size_t{256} << 10;
constexpr std::size_t pieces_under_way = 8;
constexpr std::size_t small_head = std::size_t{64} << 10;

}  // namespace

std::uint64_t MessageQueue::Transfer::bytes() const {
  return (header.has_head != 0 ? 0 : header.head_bytes) + header.body_bytes;
}

std::byte* MessageQueue::Transfer::at(std::uint64_t place) {
  const auto heads = header.has_head != 0 ? 0 : header.head_bytes;
  return place < heads ? head.data() + place : body.data() + (place - heads);
}

/// Of the next piece: it does not reach from the head into the body.
std::uint64_t MessageQueue::Transfer::piece() const {
  const auto heads = header.has_head != 0 ? 0 : header.head_bytes;
  return std::min<std::uint64_t>(largest_piece, (begun < heads ? heads : bytes()) - begun);
}

bool MessageQueue::Transfer::is_done() const {
  return is_parsed && first_request == MPI_REQUEST_NULL && begun == bytes() && pieces.empty();
}

MessageQueue::MessageQueue(const Comm& comm, SilenceWatch& silence)
    : comm_(comm),
      silence_(silence),
      is_ignored_(static_cast<std::size_t>(comm.size())),
      incoming_(static_cast<std::size_t>(comm.size())),
      is_sending_to_(static_cast<std::size_t>(comm.size())) {}

MessageQueue::~MessageQueue() {
  // Requests to and from a rank that was lost may never end; MPI may use their memory as long as the process lives.
  const auto leave = [](std::list<Transfer>& transfers) {
    if (!transfers.empty()) (void)new std::list<Transfer>(std::move(transfers));
  };
  leave(outgoing_);
  for (auto& transfers : incoming_) leave(transfers);
}

void MessageQueue::send(int to, int kind, Bytes head, Bytes body) {
  auto& transfer = outgoing_.emplace_back();
  transfer.rank = to;
  transfer.header = {kind, head.size() <= small_head ? 1 : 0, head.size(), body.size()};
  transfer.first.resize(sizeof(Header) + (head.size() <= small_head ? head.size() : 0));
  std::memcpy(transfer.first.data(), &transfer.header, sizeof(Header));
  std::copy_n(head.begin(), transfer.first.size() - sizeof(Header), transfer.first.begin() + sizeof(Header));
  transfer.head = std::move(head);
  transfer.body = std::move(body);
  transfer.is_parsed = true;
  check_mpi(MPI_Isend(transfer.first.data(), static_cast<int>(transfer.first.size()), MPI_BYTE, to, first_tag,
                      comm_.handle(), &transfer.first_request),
            "MPI_Isend");
  if (is_ignored_[static_cast<std::size_t>(to)] == 0) unsent_bytes_ += transfer.bytes();
}

bool MessageQueue::drop_finished(std::deque<MPI_Request>& requests) const {
  bool is_any = false;
  while (!requests.empty()) {
    int is_done = 0;
    check_mpi(MPI_Test(&requests.front(), &is_done, MPI_STATUS_IGNORE), "MPI_Test");
    if (is_done == 0) break;
    requests.pop_front();
    is_any = true;
  }
  return is_any;
}

/// `may_begin`: all pieces before it, to the same rank, are under way.
bool MessageQueue::go_on_sending(Transfer& transfer, bool may_begin) {
  if (transfer.first_request != MPI_REQUEST_NULL) {
    int is_done = 0;
    check_mpi(MPI_Test(&transfer.first_request, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
  }
  drop_finished(transfer.pieces);
  while (may_begin && transfer.begun < transfer.bytes() && transfer.pieces.size() < pieces_under_way) {
    const auto size = transfer.piece();
    check_mpi(MPI_Isend(transfer.at(transfer.begun), static_cast<int>(size), MPI_BYTE, transfer.rank, piece_tag,
                        comm_.handle(), &transfer.pieces.emplace_back(MPI_REQUEST_NULL)),
              "MPI_Isend");
    transfer.begun += size;
  }
  return transfer.is_done();
}

bool MessageQueue::is_all_sent() {
  bool is_all = true;
  std::fill(is_sending_to_.begin(), is_sending_to_.end(), std::uint8_t{0});
  for (auto transfer = outgoing_.begin(); transfer != outgoing_.end();) {
    const auto rank = static_cast<std::size_t>(transfer->rank);
    if (go_on_sending(*transfer, is_sending_to_[rank] == 0)) {
      if (is_ignored_[rank] == 0) unsent_bytes_ -= transfer->bytes();
      transfer = outgoing_.erase(transfer);
      continue;
    }
    if (transfer->begun < transfer->bytes()) is_sending_to_[rank] = 1;
    is_all = is_all && is_ignored_[rank] != 0;
    ++transfer;
  }
  return is_all;
}

/// Begins to receive one more message, if one is there.
bool MessageQueue::take_first() {
  int is_there = 0, size = 0;
  MPI_Status status;
  check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, first_tag, comm_.handle(), &is_there, &status), "MPI_Iprobe");
  if (is_there == 0) return false;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
  auto& transfers = incoming_[static_cast<std::size_t>(status.MPI_SOURCE)];
  if (transfers.empty()) active_.push_back(status.MPI_SOURCE);
  auto& transfer = transfers.emplace_back();
  transfer.rank = status.MPI_SOURCE;
  transfer.first.resize(static_cast<std::size_t>(size));
  check_mpi(MPI_Irecv(transfer.first.data(), size, MPI_BYTE, status.MPI_SOURCE, first_tag, comm_.handle(),
                      &transfer.first_request),
            "MPI_Irecv");
  silence_.hear(transfer.rank);
  return true;
}

/// `may_begin`: all pieces before it, from the same rank, are asked for.
bool MessageQueue::go_on_receiving(Transfer& transfer, bool may_begin) {
  if (!transfer.is_parsed) {
    int is_done = 0;
    check_mpi(MPI_Test(&transfer.first_request, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
    if (is_done == 0) return false;
    std::memcpy(&transfer.header, transfer.first.data(), sizeof(Header));
    transfer.head.resize(transfer.header.head_bytes);
    transfer.body.resize(transfer.header.body_bytes);
    if (transfer.header.has_head != 0) {
      std::copy(transfer.first.begin() + sizeof(Header), transfer.first.end(), transfer.head.begin());
    }
    transfer.is_parsed = true;
  }
  if (drop_finished(transfer.pieces)) silence_.hear(transfer.rank);
  while (may_begin && transfer.begun < transfer.bytes() && transfer.pieces.size() < pieces_under_way) {
    const auto size = transfer.piece();
    check_mpi(MPI_Irecv(transfer.at(transfer.begun), static_cast<int>(size), MPI_BYTE, transfer.rank, piece_tag,
                        comm_.handle(), &transfer.pieces.emplace_back(MPI_REQUEST_NULL)),
              "MPI_Irecv");
    transfer.begun += size;
  }
  return transfer.is_done();
}

/// The one that has just come is looked at before the next is asked for, which takes MPI some microseconds.
std::optional<Message> MessageQueue::receive() {
  for (;;) {
    const bool is_new = take_first();
    if (auto message = take_finished()) return message;
    if (!is_new) return std::nullopt;
  }
}

std::optional<Message> MessageQueue::take_finished() {
  for (auto active = active_.begin(); active != active_.end(); ++active) {
    auto& transfers = incoming_[static_cast<std::size_t>(*active)];
    bool may_begin = true;
    for (auto& transfer : transfers) {
      go_on_receiving(transfer, may_begin);
      may_begin = may_begin && transfer.is_parsed && transfer.begun == transfer.bytes();
      if (!may_begin) break;
    }
    auto& front = transfers.front();
    if (!front.is_done()) continue;
    Message message{front.rank, front.header.kind, std::move(front.head), std::move(front.body)};
    transfers.pop_front();
    if (transfers.empty()) active_.erase(active);
    return message;
  }
  return std::nullopt;
}

void MessageQueue::ignore(int rank, bool is_ignored) {
  auto& before = is_ignored_[static_cast<std::size_t>(rank)];
  if ((before != 0) == is_ignored) return;
  before = is_ignored ? 1 : 0;
  for (const auto& transfer : outgoing_) {
    if (transfer.rank != rank) continue;
    unsent_bytes_ = is_ignored ? unsent_bytes_ - transfer.bytes() : unsent_bytes_ + transfer.bytes();
  }
}

}  // namespace paceline::detail
