#include "engine/gather.hpp"

#include <algorithm>
#include <map>

namespace paceline {
namespace {

constexpr int slabs_tag = 10;
constexpr int marks_tag = 11;
constexpr int bytes_tag = 12;
constexpr int places_tag = 13;
constexpr int contents_tag = 14;
// Of variable bytes, beside its own, rank 0 holds no more than this or the largest item.
constexpr std::int64_t batch_bytes = std::int64_t{8} << 20;

using Spans = std::vector<std::span<std::byte>>;

std::span<std::byte> writable(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

template <class T>
std::span<std::byte> memory_of(std::span<T> values) {
  return writable(std::as_bytes(values));
}

template <class T>
std::span<T> part(std::span<T> values, std::int64_t first, std::int64_t count) {
  return values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

}  // namespace

std::span<std::byte> Gatherer::some(std::size_t bytes) {
  if (bytes > capacity_) {
    bytes_.reset();
    bytes_.reset(new std::byte[bytes]);
    capacity_ = bytes;
  }
  return {bytes_.get(), bytes};
}

/// Items that lie as they came are copied where they don't lie in their order already, as HDF5 takes them.
Gathered Gatherer::sorted(const Bands::View& view) {
  Gathered gathered{view.runs, view.bytes, view.marks};
  const auto lies_before = [](const Run& a, const Run& b) { return a.byte_at < b.byte_at; };
  if (std::is_sorted(view.runs.begin(), view.runs.end(), lies_before)) return gathered;
  std::size_t all = 0;
  for (const auto& run : view.runs) all += shape_.bytes_in(run.items);
  const auto bytes = some(all);
  std::size_t at = 0;
  for (auto& run : gathered.runs) {
    const auto size = shape_.bytes_in(run.items);
    std::copy_n(view.bytes.data() + run.byte_at, size, bytes.data() + at);
    run.byte_at = static_cast<std::int64_t>(at);
    at += size;
  }
  gathered.bytes = bytes;
  return gathered;
}

Gathered Gatherer::gather(std::int64_t band, const Bands::View& view, const Meanwhile& meanwhile) {
  if (plan_.owners_write()) return sorted(view);

  const auto ranks = static_cast<std::size_t>(comm_.size());
  std::map<int, std::vector<Slab>> outgoing;
  std::map<int, Spans> outgoing_marks, outgoing_bytes;
  for (const auto& run : view.runs) {
    for (const auto& [writer, items] : plan_.shares(band, run.items, comm_.rank())) {
      const auto at = run.at + items.begin - run.items.begin;
      const auto byte_at = run.byte_at + static_cast<std::int64_t>(shape_.bytes_in({run.items.begin, items.begin}));
      outgoing[writer].push_back(items);
      outgoing_marks[writer].push_back(memory_of(part(std::span(view.marks), at, items.size())));
      outgoing_bytes[writer].push_back(
          writable(part(view.bytes, byte_at, static_cast<std::int64_t>(shape_.bytes_in(items)))));
    }
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
    messages.receive({memory_of(std::span(slabs))}, static_cast<int>(r), slabs_tag);
  }
  for (auto& [writer, slabs] : outgoing) messages.send({memory_of(std::span(slabs))}, writer, slabs_tag);
  messages.wait(meanwhile);

  // ... then the items themselves, each straight to its place among the sorted ones.
  std::vector<Slab> all;
  for (const auto& [from, slabs] : incoming) all.insert(all.end(), slabs.begin(), slabs.end());
  Gathered gathered;
  Run next;
  for (const auto& slab : merged(all)) {
    gathered.runs.push_back({slab, next.at, next.byte_at});
    next.at += slab.size();
    next.byte_at += static_cast<std::int64_t>(shape_.bytes_in(slab));
  }
  marks_.resize(std::max(marks_.size(), static_cast<std::size_t>(next.at)));
  const auto bytes = some(static_cast<std::size_t>(next.byte_at));
  const std::span marks(marks_);
  gathered.bytes = bytes;
  gathered.marks = marks;

  const auto run_of = [&](const Slab& slab) -> const Run& {
    return *std::prev(std::upper_bound(gathered.runs.begin(), gathered.runs.end(), slab.begin,
                                       [](std::int64_t item, const Run& r) { return item < r.items.begin; }));
  };
  for (const auto& [from, slabs] : incoming) {
    Spans mark_pieces, byte_pieces;
    for (const auto& slab : slabs) {
      const auto& run = run_of(slab);
      const auto byte_at = run.byte_at + static_cast<std::int64_t>(shape_.bytes_in({run.items.begin, slab.begin}));
      mark_pieces.push_back(memory_of(part(marks, run.at + slab.begin - run.items.begin, slab.size())));
      byte_pieces.push_back(part(bytes, byte_at, static_cast<std::int64_t>(shape_.bytes_in(slab))));
    }
    messages.receive(mark_pieces, from, marks_tag);
    messages.receive(byte_pieces, from, bytes_tag);
  }
  for (const auto& [writer, pieces] : outgoing_marks) {
    messages.send(pieces, writer, marks_tag);
    messages.send(outgoing_bytes[writer], writer, bytes_tag);
  }
  messages.wait(meanwhile);
  return gathered;
}

void Gatherer::gather_variable(std::span<const VariableRun> mine,
                               const std::function<void(std::span<const VariableRun>)>& write,
                               const Meanwhile& meanwhile) {
  // Both sides of a message cut alike.
  const auto batch_of = [](std::span<const Slab> places, std::size_t begin) {
    auto end = begin;
    for (std::int64_t bytes = 0; end < places.size() && (end == begin || bytes + places[end].size() <= batch_bytes);) {
      bytes += places[end++].size();
    }
    return end;
  };
  std::vector<Slab> places;
  for (const auto& run : mine) places.push_back({run.begin, run.begin + std::ssize(run.bytes)});
  const auto count = std::ssize(places);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(comm_.size()), 0);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Igather(&count, 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, 0, comm_.handle(), &request),
            "MPI_Igather");
  wait_quietly(request, meanwhile);
  Messages messages(comm_, message_bytes_);
  if (comm_.rank() != 0) {
    if (mine.empty()) return;
    messages.send({memory_of(std::span(places))}, 0, places_tag);
    messages.wait(meanwhile);
    for (std::size_t begin = 0; begin < places.size();) {
      const auto end = batch_of(places, begin);
      std::vector<std::span<std::byte>> pieces;
      for (; begin < end; ++begin) pieces.push_back(writable(mine[begin].bytes));
      messages.send(pieces, 0, contents_tag);
      messages.wait(meanwhile);
    }
    return;
  }
  write(mine);
  for (int rank = 1; rank < comm_.size(); ++rank) {
    places.resize(static_cast<std::size_t>(counts[static_cast<std::size_t>(rank)]));
    if (places.empty()) continue;
    messages.receive({memory_of(std::span(places))}, rank, places_tag);
    messages.wait(meanwhile);
    for (std::size_t begin = 0; begin < places.size();) {
      const auto end = batch_of(places, begin);
      std::vector<std::vector<std::byte>> contents;
      std::vector<VariableRun> runs;
      std::vector<std::span<std::byte>> pieces;
      contents.reserve(end - begin);
      for (; begin < end; ++begin) {
        contents.emplace_back(static_cast<std::size_t>(places[begin].size()));
        runs.push_back({places[begin].begin, contents.back()});
        pieces.emplace_back(contents.back());
      }
      messages.receive(pieces, rank, contents_tag);
      messages.wait(meanwhile);
      write(runs);
    }
  }
}

}  // namespace paceline
