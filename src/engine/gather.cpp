#include "engine/gather.hpp"

#include <algorithm>
#include <map>

namespace paceline {
namespace {

constexpr int slabs_tag = 10;
constexpr int digests_tag = 11;
constexpr int bytes_tag = 12;
constexpr int records_tag = 13;

template <class T>
std::span<std::byte> memory_of(std::span<T> values, std::int64_t first, std::int64_t count) {
  const auto part = values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  return {reinterpret_cast<std::byte*>(const_cast<std::remove_const_t<T>*>(part.data())), part.size_bytes()};
}

}  // namespace

Gathered Gatherer::gather(std::int64_t band, const Bands::View& view, const std::function<void()>& meanwhile) {
  if (plan_.owners_write()) {
    Gathered own{{}, view.bytes, view.digests, view.records};
    for (const auto& run : view.runs) own.runs.push_back({run, run.begin - view.window.begin});
    return own;
  }

  const auto ranks = static_cast<std::size_t>(comm_.size());
  std::map<int, std::vector<Slab>> outgoing;
  for (const auto& run : view.runs) {
    for (const auto& share : plan_.shares(band, run, comm_.rank())) outgoing[share.writer].push_back(share.items);
  }
  std::vector<int> sends(ranks, 0);
  std::vector<int> receives(ranks, 0);
  for (const auto& [writer, slabs] : outgoing) sends[static_cast<std::size_t>(writer)] = static_cast<int>(slabs.size());
  MPI_Request counts = MPI_REQUEST_NULL;
  check_mpi(MPI_Ialltoall(sends.data(), 1, MPI_INT, receives.data(), 1, MPI_INT, comm_.handle(), &counts),
            "MPI_Ialltoall");
  wait_quietly(counts, meanwhile);

  // First which items come from whom ...
  Messages messages(comm_, message_bytes_);
  std::map<int, std::vector<Slab>> incoming;
  for (std::size_t r = 0; r < ranks; ++r) {
    if (receives[r] == 0) continue;
    auto& slabs = incoming[static_cast<int>(r)];
    slabs.resize(static_cast<std::size_t>(receives[r]));
    messages.receive({memory_of(std::span(slabs), 0, receives[r])}, static_cast<int>(r), slabs_tag);
  }
  for (auto& [writer, slabs] : outgoing) {
    messages.send({memory_of(std::span(slabs), 0, static_cast<std::int64_t>(slabs.size()))}, writer, slabs_tag);
  }
  messages.wait(meanwhile);

  // ... then the items themselves, each straight to its place among the sorted ones.
  std::vector<Slab> all;
  for (const auto& [from, slabs] : incoming) all.insert(all.end(), slabs.begin(), slabs.end());
  Gathered gathered;
  std::int64_t at = 0;
  for (const auto& slab : merged(all)) {
    gathered.runs.push_back({slab, at});
    at += slab.size();
  }
  const auto needed = static_cast<std::size_t>(at * bytes_per_item_);
  if (needed > capacity_) {
    bytes_.reset();
    bytes_.reset(new std::byte[needed]);
    capacity_ = needed;
  }
  digests_.resize(std::max(digests_.size(), static_cast<std::size_t>(at)));
  const std::span bytes(bytes_.get(), needed);
  gathered.bytes = bytes;
  gathered.digests = digests_;
  const bool keeps_records = !view.records.empty();
  if (keeps_records) records_.resize(std::max(records_.size(), static_cast<std::size_t>(at)));
  gathered.records = records_;

  const auto place_of = [&](const Slab& slab) {
    const auto run = std::prev(std::upper_bound(gathered.runs.begin(), gathered.runs.end(), slab.begin,
                                                [](std::int64_t item, const Run& r) { return item < r.items.begin; }));
    return run->at + slab.begin - run->items.begin;
  };
  const auto pieces = [&](const std::vector<Slab>& slabs, const auto& first_of, auto values, std::int64_t scale) {
    std::vector<std::span<std::byte>> list;
    for (const auto& slab : slabs) list.push_back(memory_of(values, first_of(slab) * scale, slab.size() * scale));
    return list;
  };
  for (const auto& [from, slabs] : incoming) {
    messages.receive(pieces(slabs, place_of, std::span(digests_), 1), from, digests_tag);
    messages.receive(pieces(slabs, place_of, bytes, bytes_per_item_), from, bytes_tag);
    if (keeps_records) messages.receive(pieces(slabs, place_of, std::span(records_), 1), from, records_tag);
  }
  const auto place_here = [&](const Slab& slab) { return slab.begin - view.window.begin; };
  for (const auto& [writer, slabs] : outgoing) {
    messages.send(pieces(slabs, place_here, view.digests, 1), writer, digests_tag);
    messages.send(pieces(slabs, place_here, view.bytes, bytes_per_item_), writer, bytes_tag);
    if (keeps_records) messages.send(pieces(slabs, place_here, view.records, 1), writer, records_tag);
  }
  messages.wait(meanwhile);
  return gathered;
}

}  // namespace paceline
