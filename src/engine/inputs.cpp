#include "engine/inputs.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "host/clock.hpp"
#include "storage/output_path.hpp"

namespace paceline {
namespace {

constexpr std::int64_t bytes_per_element = sizeof(double);
// Sent at once; well below what MPI counts with an int.
constexpr std::int64_t piece_bytes = std::int64_t{256} << 20;
// Sent at once by rank 0, which makes the next such piece meanwhile.
constexpr std::int64_t message_elements = std::int64_t{1} << 20;
constexpr int input_tag = 20;
/// What this process has in huge pages, private or shared; 0 where the system doesn't tell.
std::int64_t huge_page_bytes() {
  std::int64_t bytes = 0;
  std::ifstream lines("/proc/self/smaps_rollup");
  for (std::string line; std::getline(lines, line);) {
    for (const std::string_view name : {"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"}) {
      if (line.starts_with(name)) bytes += std::atoll(line.c_str() + name.size()) * 1024;
    }
  }
  return bytes;
}

void check_shared_space(const Comm& node, std::int64_t bytes) {
  struct statvfs space {};
  if (node.size() == 1 || node.rank() != 0 || statvfs("/dev/shm", &space) != 0) return;
  const auto free = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
  if (free < static_cast<double>(bytes)) {
    throw Error(
        ErrorKind::failure, "the node can't share its inputs",
        fmt::format("they take {}, /dev/shm has {} free", human_bytes(static_cast<double>(bytes)), human_bytes(free)),
        "give --memory private, or make /dev/shm larger");
  }
}

}  // namespace

Inputs::Inputs(const Plan& plan, const NumberInputs* inputs, const Comm& world, const Comm& node)
    : plan_(plan), inputs_(inputs), world_(world), node_(node) {
  for (const auto& rank : node.gather_all(std::vector<int>{world.rank()})) node_world_ranks_.push_back(rank.front());
  if (!lie_in_files(inputs)) return;
  collective(world_, [&] {
    for (const auto& input : inputs->inputs()) {
      files_.push_back(open_input(input, plan.request().memory_limit));
    }
  });
}

Slab Inputs::window(std::int64_t band) const {
  return plan_.feeding() == Feeding::resident ? plan_.reach(world_.rank()) : plan_.window(band, world_.rank());
}

/// What this rank brings: all that it needs, or its part of what its node shares.
Slab Inputs::filled_here(std::int64_t band) const {
  const auto all = window(band);
  return is_shared() && !plan_.owns_slabs() ? even_part(all, node_.rank(), node_.size()) : all;
}

std::span<double> Inputs::place(std::int64_t band, std::size_t input, Slab items) const {
  const auto slot = static_cast<std::size_t>(band) % slots_.size();
  const auto first = (items.begin - window(band).begin) * inputs_->elements_per_item();
  return slots_[slot][input].values.subspan(static_cast<std::size_t>(first),
                                            static_cast<std::size_t>(elements_of(*inputs_, items).size()));
}

void Inputs::allocate(std::int64_t slots) {
  const auto huge_before = huge_page_bytes();
  const Stopwatch watch;
  slots_.resize(static_cast<std::size_t>(slots));
  for (auto& slot : slots_) slot.resize(inputs_->inputs().size());
  if (is_shared()) {
    allocate_shared(slots);
  } else {
    const auto items = plan_.feeding() == Feeding::resident ? window(0).size() : plan_.band_items();
    const auto bytes = static_cast<std::size_t>(items * inputs_->elements_per_item() * bytes_per_element);
    for (auto& slot : slots_) {
      for (auto& input : slot) {
        input.own = PageBuffer(bytes);
        input.own.prefer_huge_pages();
        input.values = {reinterpret_cast<double*>(input.own.bytes().data()), bytes / sizeof(double)};
      }
    }
  }
  first_touch(slots);
  times_.allocate_s = watch.seconds();
  times_.huge_bytes = std::max(std::int64_t{0}, huge_page_bytes() - huge_before);
}

/// Ranks that own slabs lay theirs one after the other; otherwise all work on the same items.
void Inputs::allocate_shared(std::int64_t slots) {
  std::int64_t before = 0, all = 0, mine = 0;
  for (std::size_t r = 0; r < node_world_ranks_.size(); ++r) {
    const auto items =
        plan_.feeding() == Feeding::resident ? plan_.reach(node_world_ranks_[r]).size() : plan_.band_items();
    const auto elements = items * inputs_->elements_per_item();
    if (static_cast<int>(r) == node_.rank()) {
      before = plan_.owns_slabs() ? all : 0;
      mine = elements;
    }
    all = plan_.owns_slabs() ? all + elements : elements;
  }
  const auto bytes = std::max(std::int64_t{1}, all) * bytes_per_element;
  collective(world_, [&] { check_shared_space(node_, bytes * slots * std::ssize(inputs_->inputs())); });
  for (auto& slot : slots_) {
    for (auto& input : slot) {
      auto* memory = static_cast<std::byte*>(nullptr);
      if (node_.size() == 1) {
        // Nobody to share with: memory of its own may come in huge pages, which that of nodes rarely does.
        input.own = PageBuffer(static_cast<std::size_t>(bytes));
        input.own.prefer_huge_pages();
        memory = input.own.bytes().data();
      } else {
        input.shared = std::make_unique<NodeMemory>(node_, static_cast<std::size_t>(bytes), NodeMemory::Content::fresh);
        memory = input.shared->data();
      }
      input.values = {reinterpret_cast<double*>(memory) + before, static_cast<std::size_t>(mine)};
    }
  }
}

void Inputs::first_touch(std::int64_t slots) const {
  const auto bands = plan_.feeding() == Feeding::resident ? plan_.bands() : slots;
#pragma omp parallel for schedule(static, 1)
  for (int thread = 0; thread < plan_.request().threads; ++thread) {
    for (std::int64_t band = 0; band < bands; ++band) {
      const auto items = intersect(plan_.thread_part(band, world_.rank(), thread), filled_here(band));
      for (std::size_t k = 0; k < inputs_->inputs().size() && !items.empty(); ++k) {
        touch_in_huge_pages(std::as_writable_bytes(place(band, k, items)));
      }
    }
  }
}

void Inputs::load() {
  if (plan_.feeding() == Feeding::streamed) {
    allocate(std::min(std::int64_t{Plan::bands_in_flight()}, plan_.bands()));
  }
  if (plan_.feeding() != Feeding::resident) return;
  allocate(1);
  if (!files_.empty()) {
    const Stopwatch watch;
    std::optional<Error> first;
    read_items(0, filled_here(0), first);
    times_.fill_s = watch.seconds();
    agree(world_, first);
  } else if (is_shared() || world_.size() == 1) {
    make_here();
  } else {
    make_on_first_and_send();
  }
  if (is_shared()) node_.barrier();
}

/// Each thread makes what it has touched, where it will work on it.
void Inputs::make_here() {
  const Stopwatch watch;
#pragma omp parallel for schedule(static, 1)
  for (int thread = 0; thread < plan_.request().threads; ++thread) {
    for (std::int64_t band = 0; band < plan_.bands(); ++band) {
      const auto items = intersect(plan_.thread_part(band, world_.rank(), thread), filled_here(band));
      for (std::size_t k = 0; k < inputs_->inputs().size() && !items.empty(); ++k) {
        inputs_->inputs()[k].make(elements_of(*inputs_, items), place(band, k, items));
      }
    }
  }
  times_.fill_s += watch.seconds();
}

/// Private memory: rank 0 has the data, as a program that reads or simulates them would, and the others get copies.
void Inputs::make_on_first_and_send() {
  std::array<PageBuffer, 2> pieces;
  if (world_.rank() == 0) {
    make_here();
    for (auto& piece : pieces) {
      if (plan_.owns_slabs()) piece = PageBuffer(message_elements * bytes_per_element);
      touch(piece.bytes());
    }
  }
  for (std::size_t k = 0; k < inputs_->inputs().size(); ++k) {
    if (plan_.owns_slabs()) {
      send_slabs(k, pieces);
      continue;
    }
    world_.barrier();
    const Stopwatch watch;
    for (auto rest = place(0, k, window(0)); !rest.empty();) {
      const auto count = std::min(rest.size(), static_cast<std::size_t>(piece_bytes / bytes_per_element));
      check_mpi(MPI_Bcast(rest.data(), static_cast<int>(count), MPI_DOUBLE, 0, world_.handle()), "MPI_Bcast");
      rest = rest.subspan(count);
    }
    times_.copy_s += watch.seconds();
  }
}

/// Scatters in pieces, so that rank 0 never holds more than its own part and two of them, which it has.
void Inputs::send_slabs(std::size_t input, const std::array<PageBuffer, 2>& pieces) {
  if (world_.rank() != 0) {
    for (auto rest = place(0, input, window(0)); !rest.empty();) {
      const auto count = std::min(rest.size(), static_cast<std::size_t>(message_elements));
      check_mpi(
          MPI_Recv(rest.data(), static_cast<int>(count), MPI_DOUBLE, 0, input_tag, world_.handle(), MPI_STATUS_IGNORE),
          "MPI_Recv");
      rest = rest.subspan(count);
    }
    return;
  }
  std::array<MPI_Request, 2> requests = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  std::size_t turn = 0;
  const auto wait = [&](MPI_Request& request) {
    const Stopwatch watch;
    check_mpi(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
    times_.copy_s += watch.seconds();
  };
  for (int rank = 1; rank < world_.size(); ++rank) {
    const auto all = elements_of(*inputs_, plan_.reach(rank));
    for (auto begin = all.begin; begin < all.end; begin += message_elements, turn = 1 - turn) {
      const Slab elements{begin, std::min(begin + message_elements, all.end)};
      wait(requests[turn]);
      const Stopwatch watch;
      const std::span piece(reinterpret_cast<double*>(pieces[turn].bytes().data()),
                            static_cast<std::size_t>(elements.size()));
      make_together(inputs_->inputs()[input], elements, piece);
      times_.fill_s += watch.seconds();
      check_mpi(MPI_Isend(piece.data(), static_cast<int>(elements.size()), MPI_DOUBLE, rank, input_tag, world_.handle(),
                          &requests[turn]),
                "MPI_Isend");
    }
  }
  for (auto& request : requests) wait(request);
}

void Inputs::read_items(std::int64_t band, Slab items, std::optional<Error>& first) {
  if (items.empty()) return;
  try {
    for (std::size_t k = 0; k < files_.size(); ++k) {
      files_[k].read(elements_of(*inputs_, items), place(band, k, items));
    }
  } catch (const Error& error) {
    if (!first) first = error;
  }
}

std::optional<Error> Inputs::read_ahead(std::int64_t released) {
  std::optional<Error> first;
  if (plan_.feeding() != Feeding::streamed) return first;
  const auto last = std::min(plan_.bands(), released + Plan::bands_in_flight());
  for (auto band = ready_.load(); band < last; ++band) {
    const Stopwatch watch;
    read_items(band, filled_here(band), first);
    if (is_shared()) node_.barrier();
    times_.fill_s += watch.seconds();
    ready_.store(band + 1);
  }
  return first;
}

bool Inputs::is_ready(std::int64_t band) const { return plan_.feeding() != Feeding::streamed || band < ready_.load(); }

Operands Inputs::of(std::int64_t band, Slab items, Scratch& scratch) const {
  if (inputs_ == nullptr) return {};
  const auto inputs = inputs_->inputs();
  scratch.spans.resize(inputs.size());
  if (plan_.feeding() == Feeding::made) {
    const auto elements = elements_of(*inputs_, items);
    scratch.values.resize(inputs.size());
    const Stopwatch watch;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      scratch.values[k].resize(static_cast<std::size_t>(elements.size()));
      inputs[k].make(elements, scratch.values[k]);
      scratch.spans[k] = scratch.values[k];
    }
    scratch.make_s += watch.seconds();
  } else {
    for (std::size_t k = 0; k < inputs.size(); ++k) scratch.spans[k] = place(band, k, items);
  }
  return scratch.spans;
}

}  // namespace paceline
