#include "library/pool/message_queue.hpp"

#include <algorithm>

namespace paceline::detail {
namespace {

// MPI counts with an int: larger messages go in pieces, all but the last under a tag of their own.
constexpr std::size_t largest_piece = std::size_t{1} << 30;
constexpr int more = 100;

}  // namespace

MessageQueue::~MessageQueue() {
  // After a rank was lost, requests may never end, and their memory goes with the process.
  if (!has_lost_) return;
  for (auto& sending : sending_) lost_.push_back(std::move(sending.bytes));
  (void)new std::list<std::vector<std::byte>>(std::move(lost_));
}

void MessageQueue::send(int to, Kind kind, std::vector<std::byte> bytes) {
  auto& sending = sending_.emplace_back(Sending{to, std::move(bytes), {}});
  const auto size = sending.bytes.size();
  std::size_t at = 0;
  do {
    const auto part = std::min(largest_piece, size - at);
    const auto tag = static_cast<int>(kind) + (at + part < size ? more : 0);
    check_mpi(MPI_Isend(sending.bytes.data() + at, static_cast<int>(part), MPI_BYTE, to, tag, comm_.handle(),
                        &sending.requests.emplace_back(MPI_REQUEST_NULL)),
              "MPI_Isend");
    at += part;
  } while (at < size);
  unsent_bytes_ += size;
}

bool MessageQueue::is_all_sent() {
  for (auto sending = sending_.begin(); sending != sending_.end();) {
    int done = 0;
    check_mpi(
        MPI_Testall(static_cast<int>(sending->requests.size()), sending->requests.data(), &done, MPI_STATUSES_IGNORE),
        "MPI_Testall");
    if (done != 0) {
      unsent_bytes_ -= sending->bytes.size();
      sending = sending_.erase(sending);
    } else {
      ++sending;
    }
  }
  return sending_.empty();
}

void MessageQueue::post_receives() {
  // Not more at once than is looked at soon.
  for (int count = 0; count < 64; ++count) {
    int waiting = 0;
    MPI_Status status;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_.handle(), &waiting, &status), "MPI_Iprobe");
    if (waiting == 0) return;
    int size = 0;
    check_mpi(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
    auto& piece = arriving_[static_cast<std::size_t>(status.MPI_SOURCE)].emplace_back();
    piece.tag = status.MPI_TAG;
    piece.bytes.resize(static_cast<std::size_t>(size));
    check_mpi(
        MPI_Irecv(piece.bytes.data(), size, MPI_BYTE, status.MPI_SOURCE, piece.tag, comm_.handle(), &piece.request),
        "MPI_Irecv");
  }
}

std::optional<Message> MessageQueue::receive() {
  post_receives();
  for (std::size_t rank = 0; rank < arriving_.size(); ++rank) {
    auto& pieces = arriving_[rank];
    const auto last = std::find_if(pieces.begin(), pieces.end(), [](const Piece& piece) { return piece.tag < more; });
    if (last == pieces.end()) continue;
    int done = 1;
    for (auto piece = pieces.begin(); piece != last + 1 && done != 0; ++piece) {
      check_mpi(MPI_Test(&piece->request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    }
    if (done == 0) continue;
    Message message{static_cast<int>(rank), static_cast<Kind>(last->tag), std::move(pieces.front().bytes)};
    for (auto piece = pieces.begin() + 1; piece < last + 1; ++piece) {
      message.bytes.insert(message.bytes.end(), piece->bytes.begin(), piece->bytes.end());
    }
    pieces.erase(pieces.begin(), last + 1);
    return message;
  }
  return std::nullopt;
}

void MessageQueue::forget(int rank) {
  has_lost_ = true;
  for (auto sending = sending_.begin(); sending != sending_.end();) {
    const auto next = std::next(sending);
    if (sending->to == rank) {
      unsent_bytes_ -= sending->bytes.size();
      lost_.push_back(std::move(sending->bytes));
      sending_.erase(sending);
    }
    sending = next;
  }
  for (auto& piece : arriving_[static_cast<std::size_t>(rank)]) lost_.push_back(std::move(piece.bytes));
  arriving_[static_cast<std::size_t>(rank)].clear();
}

}  // namespace paceline::detail
