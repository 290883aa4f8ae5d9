#include "engine/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include <paceline/error.hpp>

namespace paceline {
namespace {

// A rank's part of a band, and a band, below this are not worth their own write, or one a dataset. They are small
// because bands that fly use each other's memory again: a page that is touched for the first time costs more than
// computing what it holds.
constexpr std::int64_t smallest_alone_bytes = std::int64_t{256} << 10;
// With several ranks a band is some collective calls, in each of which all wait for the last one; on several nodes, for
// their network, too.
constexpr std::int64_t smallest_part_bytes = std::int64_t{256} << 10;
constexpr std::int64_t smallest_part_of_nodes_bytes = std::int64_t{1} << 20;
constexpr std::int64_t smallest_band_bytes = std::int64_t{4} << 20;
constexpr std::int64_t smallest_dataset_bytes = std::int64_t{64} << 10;
// Of larger ones there are about so many: first-touching memory costs more than extra writes.
constexpr std::int64_t usual_bands = 64;
// A band has so many chunks for each thread that works on it, so that a slow one holds up nobody.
constexpr std::int64_t band_chunks_per_thread = 2;
// Pieces of more bytes leave the second cache of most cores before they are digested and written.
constexpr std::int64_t cached_bytes = std::int64_t{256} << 10;
// A writer's piece below this is not worth a writer of its own.
constexpr std::int64_t smallest_write_bytes = std::int64_t{1} << 20;
// Chunks of at least this are written by whoever computed them; smaller ones are gathered to larger pieces first,
// which costs two copies in memory and saves file systems many small writes.
constexpr std::int64_t smallest_direct_bytes = std::int64_t{64} << 10;
// Chosen chunks: so many for each thread.
constexpr std::int64_t chunks_per_thread = 64;
// Large chunks gain nothing once a claim's 0.1 microseconds are lost in them.
constexpr std::int64_t largest_chosen_chunk = 64;
// Pieces that are cut by their cost: some hundredths of a second to find them.
constexpr std::int64_t most_pieces_by_cost = std::int64_t{1} << 18;
// What handing out costs is lost only where slabs lose more.
constexpr double worthwhile_gain = 1.02;
// A dispenser counts chunks in half a word.
constexpr std::int64_t most_dynamic_chunks = (std::int64_t{1} << 32) - 2;

// Holds any product of two counts.
__extension__ using wide = __int128;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t choose_chunk(const PlanRequest& request) {
  const auto workers = static_cast<std::int64_t>(request.ranks) * request.threads;
  const auto largest = std::clamp(request.items_between_checks, std::int64_t{1}, largest_chosen_chunk);
  return std::clamp(request.items / (workers * chunks_per_thread), std::int64_t{1}, largest);
}

}  // namespace

Plan::Plan(PlanRequest request) : request_(std::move(request)) {
  const auto items = request_.items;
  piece_ = std::clamp(std::min(request_.items_between_checks, cached_bytes / request_.bytes_per_item), std::int64_t{1},
                      largest_chosen_chunk);
  if (request_.schedule == Schedule::block || request_.schedule == Schedule::weighted) {
    if (request_.schedule == Schedule::weighted) {
      own_ = equal_cost_slabs(items, request_.ranks, request_.costs);
      if (slabs_are_too_uneven()) {
        own_.clear();
      } else {
        costs_.emplace(items, request_.ranks, request_.costs);
      }
    } else {
      for (int rank = 0; rank < request_.ranks; ++rank) own_.push_back(even_part({0, items}, rank, request_.ranks));
    }
  }
  share_ = items;
  for (std::size_t r = 0; r < own_.size(); ++r) share_ = r == 0 ? own_[r].size() : std::max(share_, own_[r].size());

  size_bands(request_.bytes_per_item, 0);
  if (request_.input_bytes_per_item > 0) {
    feeding_ = Feeding::resident;
    if (held_input_bytes() > request_.memory_limit - held_bytes()) {
      feeding_ = request_.inputs_can_be_made ? Feeding::made : Feeding::streamed;
    }
    if (feeding_ == Feeding::streamed) {
      size_bands(request_.bytes_per_item, divide_up(request_.input_bytes_per_item, request_.input_sharers));
    }
  }
  if (request_.schedule == Schedule::weighted && !owns_slabs()) order_by_cost();
  if (hands_out_chunks() && all_chunks() > most_dynamic_chunks) {
    throw Error(ErrorKind::usage, fmt::format("chunks of {} of {} items are too many", chunk_, items),
                fmt::format("the dynamic schedule counts {}", most_dynamic_chunks),
                "raise --chunk and --memory-limit, or choose another --schedule");
  }
}

/// Whole items can't be cut evenly, and all costs are known.
bool Plan::slabs_are_too_uneven() const {
  // Slabs keep their inputs, and who asks for chunks of several items gets them.
  const bool may_change = request_.ranks > 1 && request_.input_bytes_per_item == 0 && request_.chunk <= 1;
  if (!may_change || std::ssize(request_.costs) != request_.items || request_.items > most_pieces_by_cost) return false;
  auto sorted = request_.costs;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto workers = static_cast<std::int64_t>(request_.ranks) * request_.threads;
  const auto slab = costliest_slab(own_, request_.costs) / request_.threads;
  return slab > worthwhile_gain * list_cost(sorted, workers);
}

void Plan::order_by_cost() {
  const auto in_band = band_items_ / chunk_;
  order_.resize(static_cast<std::size_t>(all_chunks()));
  std::iota(order_.begin(), order_.end(), 0U);
  const auto cost = [&](std::uint32_t chunk) { return request_.costs[static_cast<std::size_t>(chunk * chunk_)]; };
  for (std::int64_t begin = 0; begin < all_chunks(); begin += in_band) {
    std::stable_sort(order_.begin() + begin, order_.begin() + std::min(begin + in_band, all_chunks()),
                     [&](std::uint32_t a, std::uint32_t b) { return cost(a) > cost(b); });
  }
}

std::int64_t Plan::band_holders(std::int64_t extra_bytes_per_item) const {
  // Rank 0 holds all that it gathers, and inputs are there for whoever may compute.
  const bool is_held_whole = request_.gather == Gather::root || extra_bytes_per_item > 0;
  if (owns_slabs() || is_held_whole) return 1;
  if (request_.schedule == Schedule::cyclic) return request_.ranks;
  // Half of them: the quick ones take twice their share before they are full.
  const auto takers = request_.takers > 0 ? std::min(request_.takers, request_.ranks) : request_.ranks;
  return std::max(1, takers / 2);
}

/// `extra_bytes_per_item`: what is held beside the result of each band in flight.
void Plan::size_bands(std::int64_t bytes_per_item, std::int64_t extra_bytes_per_item) {
  // Where rank 0 gathers slabs, it holds the pieces of everyone.
  const bool root_holds_all = owns_slabs() && request_.gather == Gather::root;
  const auto held = bands_in_flight() + (root_holds_all ? request_.ranks : 1);
  const auto limit_items = request_.memory_limit / (held * bytes_per_item + bands_in_flight() * extra_bytes_per_item);
  if (limit_items < 1) {
    throw Error(ErrorKind::usage, "--memory-limit is too small",
                fmt::format("{} items of {} bytes must fit into the {} bytes of it that are for results", held,
                            bytes_per_item + extra_bytes_per_item, request_.memory_limit),
                "raise it or make the items smaller");
  }
  chunk_ = std::clamp(request_.chunk > 0 ? request_.chunk : choose_chunk(request_), std::int64_t{1},
                      std::min(limit_items, std::max(request_.items, std::int64_t{1})));
  // Several bands even where one would fit, so that writing overlaps with computing, and few pages are touched.
  const auto ranks = std::int64_t{request_.ranks};
  const auto sharers = owns_slabs() ? 1 : ranks;  // of a band's items; a slab's belong to one rank
  const auto part = request_.nodes == 1 ? smallest_part_bytes : smallest_part_of_nodes_bytes;
  const auto bytes = std::max(ranks == 1 ? smallest_alone_bytes : std::min(part * ranks, smallest_band_bytes),
                              smallest_dataset_bytes * request_.datasets);
  const auto worthwhile =
      std::max(divide_up(bytes, (bytes_per_item + extra_bytes_per_item) * (owns_slabs() ? ranks : 1)),
               chunk_ * request_.threads * sharers * band_chunks_per_thread);
  // Sorting by cost is best for all items at once.
  const bool is_ordered = request_.ordered && (request_.schedule != Schedule::weighted || owns_slabs());
  band_items_ = is_ordered ? std::max(worthwhile, divide_up(share_, usual_bands)) : share_;
  const auto most_room = std::min(limit_items, std::max(share_, chunk_)) / chunk_ * chunk_;
  const auto most_items = most_room * band_holders(extra_bytes_per_item);
  band_items_ = std::max(std::int64_t{1}, std::min({band_items_, most_items, share_}));
  if (chunk_ > band_items_) chunk_ = band_items_;
  band_items_ = band_items_ / chunk_ * chunk_;
  room_items_ = std::min(most_room, band_items_);
  bands_ = std::max(std::int64_t{1}, divide_up(share_, band_items_));
  if (costs_) fit_bands_of_equal_cost(limit_items);
}

Slab Plan::band_range(std::int64_t band) const {
  return intersect({band * band_items_, (band + 1) * band_items_}, {0, request_.items});
}

Slab Plan::own_slab(int rank) const { return own_.empty() ? Slab{} : own_[static_cast<std::size_t>(rank)]; }

Slab Plan::reach(int rank) const { return owns_slabs() ? own_slab(rank) : Slab{0, request_.items}; }

Slab Plan::thread_part(std::int64_t band, int rank, int thread) const {
  const auto all = window(band, rank);
  const auto part = even_part({0, chunks_in(all.size())}, thread, request_.threads);
  return {std::min(all.begin + part.begin * chunk_, all.end), std::min(all.begin + part.end * chunk_, all.end)};
}

/// Every rank has all bands, whatever the size of its slab, and gets through them at the same time: one that is behind
/// would hold up the others.
std::int64_t Plan::chunks_before(std::int64_t band, int rank) const {
  const auto own = own_slab(rank);
  const auto chunks = chunks_in(own.size());
  if (band <= 0 || band >= bands_) return band <= 0 ? 0 : chunks;
  if (costs_ && costs_->total() > 0) {
    const auto first = costs_->before(own.begin), last = costs_->before(own.end);
    const auto cut = costs_->item_at(first + (last - first) * static_cast<double>(band) / static_cast<double>(bands_));
    return (std::clamp(cut, own.begin, own.end) - own.begin + chunk_ / 2) / chunk_;
  }
  return static_cast<std::int64_t>(static_cast<wide>(chunks) * band / bands_);
}

/// No more bands than the rank with the fewest, costliest items can cut its slab into; but so many that the largest
/// piece of any rank is under the limit.
void Plan::fit_bands_of_equal_cost(std::int64_t limit_items) {
  auto fewest = share_;
  for (const auto& own : own_) fewest = std::min(fewest, chunks_in(own.size()));
  bands_ = std::clamp(fewest / (request_.threads * band_chunks_per_thread), std::int64_t{1}, bands_);
  for (; bands_ <= most_pieces_by_cost / request_.ranks; bands_ *= 2) {
    std::int64_t most = 1;
    for (int rank = 0; rank < request_.ranks; ++rank) {
      for (std::int64_t band = 0, begin = 0; band < bands_; ++band) {
        const auto end = chunks_before(band + 1, rank);
        most = std::max(most, end - begin);
        begin = end;
      }
    }
    band_items_ = most * chunk_;
    room_items_ = band_items_;
    if (band_items_ <= limit_items) return;
  }
  // Too many to look at, or what costs nothing, which can't be cut by its cost.
  costs_.reset();
  band_items_ = room_items_ = limit_items / chunk_ * chunk_;
  bands_ = divide_up(share_, band_items_);
}

Slab Plan::window(std::int64_t band, int rank) const {
  if (!owns_slabs()) return band_range(band);
  const auto own = own_slab(rank);
  return intersect({own.begin + chunks_before(band, rank) * chunk_, own.begin + chunks_before(band + 1, rank) * chunk_},
                   own);
}

std::int64_t Plan::chunks_in(std::int64_t items) const { return divide_up(items, chunk_); }

std::int64_t Plan::all_chunks() const { return chunks_in(request_.items); }

Chunk Plan::any_chunk(std::int64_t index) const {
  const auto begin = (order_.empty() ? index : order_[static_cast<std::size_t>(index)]) * chunk_;
  return {{begin, std::min(begin + chunk_, request_.items)}, begin / band_items_};
}

std::int64_t Plan::band_end_chunk(std::int64_t index) const {
  return std::min((band_of_chunk(index) + 1) * (band_items_ / chunk_), all_chunks());
}

std::int64_t Plan::own_chunks(int rank) const {
  if (owns_slabs()) return chunks_in(own_slab(rank).size());
  if (request_.schedule == Schedule::cyclic) {
    return std::max(std::int64_t{0}, divide_up(all_chunks() - rank, request_.ranks));
  }
  return 0;
}

Chunk Plan::own_chunk(int rank, std::int64_t index) const {
  if (!owns_slabs()) return any_chunk(rank + index * request_.ranks);
  const auto own = own_slab(rank);
  const auto begin = own.begin + index * chunk_;
  // The last band whose first chunk is not behind this one.
  std::int64_t band = 0;
  if (!costs_) {
    band = static_cast<std::int64_t>(((static_cast<wide>(index) + 1) * bands_ - 1) / chunks_in(own.size()));
    return {{begin, std::min(begin + chunk_, own.end)}, band};
  }
  for (auto step = std::bit_ceil(static_cast<std::uint64_t>(bands_)); step > 0; step /= 2) {
    const auto next = band + static_cast<std::int64_t>(step);
    if (next < bands_ && chunks_before(next, rank) <= index) band = next;
  }
  return {{begin, std::min(begin + chunk_, own.end)}, band};
}

bool Plan::owners_write() const {
  if (request_.ranks == 1) return true;
  const bool writes_large_pieces = owns_slabs() || chunk_ * request_.bytes_per_item >= smallest_direct_bytes;
  return request_.gather == Gather::parallel && writes_large_pieces;
}

int Plan::writers(std::int64_t items) const {
  const auto worthwhile = items * request_.bytes_per_item / smallest_write_bytes;
  const auto fewest = std::max(std::int64_t{1}, divide_up(items, room_items_));  // that can hold so much
  return static_cast<int>(std::clamp(worthwhile, fewest, std::max(fewest, std::int64_t{request_.ranks})));
}

std::vector<Plan::Share> Plan::shares(std::int64_t band, Slab items, int rank) const {
  if (owners_write()) return {{rank, items}};
  if (request_.gather == Gather::root) return {{0, items}};
  const auto range = band_range(band);
  const int parts = writers(range.size());
  std::vector<Share> cut;
  for (int part = 0; part < parts; ++part) {
    const auto piece = intersect(items, even_part(range, part, parts));
    // Spread over all ranks, and so over all nodes; of small bands each has its turn.
    const auto writer =
        static_cast<int>((static_cast<std::int64_t>(part) * request_.ranks / parts + band) % request_.ranks);
    if (!piece.empty()) cut.push_back({writer, piece});
  }
  return cut;
}

std::int64_t Plan::held_bytes() const {
  if (!request_.kept) return std::min(piece_, chunk_) * request_.threads * request_.bytes_per_item;
  const auto flying = std::min(static_cast<std::int64_t>(bands_in_flight()), bands_);
  // What lies as it came is sorted before it is written.
  const bool moves = !owners_write() || limits_room();
  const auto gathered = moves ? room_items_ * (owns_slabs() ? static_cast<std::int64_t>(request_.ranks) : 1) : 0;
  return (flying * room_items_ + gathered) * request_.bytes_per_item;
}

std::int64_t Plan::held_input_bytes() const {
  switch (feeding_) {
    case Feeding::resident: return divide_up(share_ * request_.input_bytes_per_item, request_.input_sharers);
    case Feeding::streamed:
      return divide_up(std::min(std::int64_t{bands_in_flight()}, bands_) * band_items_ * request_.input_bytes_per_item,
                       request_.input_sharers);
    default: return 0;
  }
}

std::string to_string(Schedule schedule) {
  switch (schedule) {
    case Schedule::block: return "block";
    case Schedule::cyclic: return "cyclic";
    case Schedule::dynamic: return "dynamic";
    case Schedule::weighted: return "weighted";
  }
  return "?";
}

std::string to_string(Feeding feeding) {
  switch (feeding) {
    case Feeding::none: return "none";
    case Feeding::resident: return "resident";
    case Feeding::made: return "made";
    case Feeding::streamed: return "streamed";
  }
  return "?";
}

std::string to_string(Gather gather) { return gather == Gather::parallel ? "parallel" : "root"; }

}  // namespace paceline
