#include "run/gather_parcels.hpp"

namespace paceline {
namespace {

constexpr int labels_tag = 14;
constexpr int contents_tag = 15;

/// A parcel without its bytes.
struct Label {
  std::int64_t item = 0;
  std::uint64_t digest = 0;
  ItemRecord record;
  std::int64_t bytes = 0;
};

std::vector<std::span<std::byte>> contents(std::vector<Parcel>& parcels) {
  std::vector<std::span<std::byte>> pieces;
  for (auto& parcel : parcels) pieces.emplace_back(parcel.bytes);
  return pieces;
}

void send(const Comm& comm, std::vector<Parcel>& parcels, const std::function<void()>& meanwhile,
          std::int64_t message_bytes) {
  std::vector<Label> labels;
  for (const auto& parcel : parcels) {
    labels.push_back({parcel.item, parcel.digest, parcel.record, std::ssize(parcel.bytes)});
  }
  Messages messages(comm, message_bytes);
  messages.send({std::as_writable_bytes(std::span(labels))}, 0, labels_tag);
  messages.send(contents(parcels), 0, contents_tag);
  messages.wait(meanwhile);
}

std::vector<Parcel> receive(const Comm& comm, int from, std::int64_t count, const std::function<void()>& meanwhile,
                            std::int64_t message_bytes) {
  std::vector<Label> labels(static_cast<std::size_t>(count));
  Messages messages(comm, message_bytes);
  messages.receive({std::as_writable_bytes(std::span(labels))}, from, labels_tag);
  messages.wait(meanwhile);
  std::vector<Parcel> parcels;
  for (const auto& label : labels) {
    parcels.push_back({label.item, label.digest, label.record, {}});
    parcels.back().bytes.resize(static_cast<std::size_t>(label.bytes));
  }
  messages.receive(contents(parcels), from, contents_tag);
  messages.wait(meanwhile);
  return parcels;
}

}  // namespace

void gather_parcels(const Comm& comm, std::vector<Parcel> mine,
                    const std::function<void(const std::vector<Parcel>&)>& write,
                    const std::function<void()>& meanwhile, std::int64_t message_bytes) {
  const auto count = std::ssize(mine);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(comm.size()), 0);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Igather(&count, 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, 0, comm.handle(), &request),
            "MPI_Igather");
  wait_quietly(request, meanwhile);
  if (comm.rank() != 0) {
    if (!mine.empty()) send(comm, mine, meanwhile, message_bytes);
    return;
  }
  if (!mine.empty()) write(mine);
  mine.clear();
  for (int rank = 1; rank < comm.size(); ++rank) {
    const auto there = counts[static_cast<std::size_t>(rank)];
    if (there > 0) write(receive(comm, rank, there, meanwhile, message_bytes));
  }
}

}  // namespace paceline
