#include "engine/gather_parcels.hpp"

#include <iterator>
#include <utility>

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

std::int64_t bytes_of(const Parcel& parcel) { return std::ssize(parcel.bytes); }
std::int64_t bytes_of(const Label& label) { return label.bytes; }

/// Takes a batch out, from `at` on; both sides of a message cut alike.
template <class T>
std::vector<T> next_batch(std::vector<T>& all, std::size_t& at, std::int64_t batch_bytes) {
  std::vector<T> batch;
  for (std::int64_t bytes = 0; at < all.size(); ++at) {
    bytes += bytes_of(all[at]);
    if (!batch.empty() && bytes > batch_bytes) break;
    batch.push_back(std::move(all[at]));
  }
  return batch;
}

std::int64_t total(const std::vector<Parcel>& parcels) {
  std::int64_t bytes = 0;
  for (const auto& parcel : parcels) bytes += bytes_of(parcel);
  return bytes;
}

std::vector<std::span<std::byte>> contents(std::vector<Parcel>& parcels) {
  std::vector<std::span<std::byte>> pieces;
  for (auto& parcel : parcels) pieces.emplace_back(parcel.bytes);
  return pieces;
}

class Gathering {
 public:
  Gathering(const Comm& comm, std::int64_t batch_bytes, const ParcelSteps& steps, std::int64_t message_bytes)
      : comm_(comm), batch_bytes_(batch_bytes), steps_(steps), messages_(comm, message_bytes) {}

  void write(std::vector<Parcel> parcels) {
    for (std::size_t at = 0; at < parcels.size();) {
      auto batch = next_batch(parcels, at, batch_bytes_);
      const auto bytes = total(batch);
      steps_.write(std::move(batch));
      steps_.gone(bytes);
    }
  }

  void send(std::vector<Parcel> parcels) {
    std::vector<Label> labels;
    for (const auto& parcel : parcels) {
      labels.push_back({parcel.item, parcel.digest, parcel.record, bytes_of(parcel)});
    }
    messages_.send({std::as_writable_bytes(std::span(labels))}, 0, labels_tag);
    messages_.wait(steps_.meanwhile);
    for (std::size_t at = 0; at < parcels.size();) {
      auto batch = next_batch(parcels, at, batch_bytes_);
      messages_.send(contents(batch), 0, contents_tag);
      messages_.wait(steps_.meanwhile);
      const auto bytes = total(batch);
      batch.clear();
      steps_.gone(bytes);
    }
  }

  void receive(int from, std::int64_t count) {
    std::vector<Label> labels(static_cast<std::size_t>(count));
    messages_.receive({std::as_writable_bytes(std::span(labels))}, from, labels_tag);
    messages_.wait(steps_.meanwhile);
    for (std::size_t at = 0; at < labels.size();) {
      std::vector<Parcel> batch;
      for (const auto& label : next_batch(labels, at, batch_bytes_)) {
        batch.push_back({label.item, label.digest, label.record, {}});
        batch.back().bytes.resize(static_cast<std::size_t>(label.bytes));
      }
      messages_.receive(contents(batch), from, contents_tag);
      messages_.wait(steps_.meanwhile);
      steps_.write(std::move(batch));
    }
  }

 private:
  const Comm& comm_;
  std::int64_t batch_bytes_;
  const ParcelSteps& steps_;
  Messages messages_;
};

}  // namespace

void gather_parcels(const Comm& comm, std::vector<Parcel> mine, std::int64_t batch_bytes, const ParcelSteps& steps,
                    std::int64_t message_bytes) {
  const auto count = std::ssize(mine);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(comm.size()), 0);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Igather(&count, 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, 0, comm.handle(), &request),
            "MPI_Igather");
  wait_quietly(request, steps.meanwhile);
  Gathering gathering(comm, batch_bytes, steps, message_bytes);
  if (comm.rank() != 0) {
    if (!mine.empty()) gathering.send(std::move(mine));
    return;
  }
  gathering.write(std::move(mine));
  for (int rank = 1; rank < comm.size(); ++rank) {
    const auto there = counts[static_cast<std::size_t>(rank)];
    if (there > 0) gathering.receive(rank, there);
  }
}

}  // namespace paceline
