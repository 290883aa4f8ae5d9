// Nonblocking messages under way together, of any size: MPI counts with an int.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <paceline/comm.hpp>

namespace paceline {

class Messages {
 public:
  static constexpr std::int64_t largest_message = std::int64_t{1} << 30;

  Messages(const Comm& comm, std::int64_t message_bytes) : comm_(comm), largest_(message_bytes) {}

  /// Sends or receives the pieces of memory as one stream, cut into messages of at most the largest size. Both
  /// sides name pieces of the same total size, so both cut alike.
  void send(const std::vector<std::span<std::byte>>& pieces, int to, int tag) { post(pieces, to, tag, true); }
  void receive(const std::vector<std::span<std::byte>>& pieces, int from, int tag) { post(pieces, from, tag, false); }

  void wait(const Meanwhile& meanwhile = {}) {
    for (auto& request : requests_) wait_quietly(request, meanwhile);
    requests_.clear();
  }

 private:
  void post(const std::vector<std::span<std::byte>>& pieces, int peer, int tag, bool sends) {
    std::vector<int> lengths;
    std::vector<MPI_Aint> addresses;
    std::int64_t filled = 0;
    const auto flush = [&] {
      if (filled == 0) return;
      MPI_Datatype type = MPI_DATATYPE_NULL;
      check_mpi(
          MPI_Type_create_hindexed(static_cast<int>(lengths.size()), lengths.data(), addresses.data(), MPI_BYTE, &type),
          "MPI_Type_create_hindexed");
      check_mpi(MPI_Type_commit(&type), "MPI_Type_commit");
      auto& request = requests_.emplace_back(MPI_REQUEST_NULL);
      if (sends) {
        check_mpi(MPI_Isend(MPI_BOTTOM, 1, type, peer, tag, comm_.handle(), &request), "MPI_Isend");
      } else {
        check_mpi(MPI_Irecv(MPI_BOTTOM, 1, type, peer, tag, comm_.handle(), &request), "MPI_Irecv");
      }
      MPI_Type_free(&type);
      lengths.clear();
      addresses.clear();
      filled = 0;
    };
    for (auto piece : pieces) {
      while (!piece.empty()) {
        const auto part =
            piece.first(static_cast<std::size_t>(std::min(largest_ - filled, static_cast<std::int64_t>(piece.size()))));
        MPI_Aint address = 0;
        MPI_Get_address(part.data(), &address);
        lengths.push_back(static_cast<int>(part.size()));
        addresses.push_back(address);
        filled += static_cast<std::int64_t>(part.size());
        if (filled == largest_) flush();
        piece = piece.subspan(part.size());
      }
    }
    flush();
  }

  const Comm& comm_;
  std::int64_t largest_;
  std::vector<MPI_Request> requests_;
};

}  // namespace paceline
