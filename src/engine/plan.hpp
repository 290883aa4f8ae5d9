// The plan: who computes, who writes, in which order. A pure value, the same on every rank.
//
// Items are cut into chunks (what a thread takes at once) and chunks into bands (what is in memory at once).
//   block, weighted   a rank owns one slab; band b is the b-th of equally many pieces of every rank's slab, of equal
//                     size or of equal cost: ranks go through bands together
//   cyclic, dynamic   band b is consecutive items; its chunks go round the ranks, or to whoever comes first
// With few items for each rank no slabs of whole items are of equal cost. Where others would be done earlier, weighted
// owns none: chunks go to whoever comes first, the costliest of a band first (Graham, Bounds on multiprocessing timing
// anomalies, 1969).
//
// A band may be larger than what one rank may hold of it, since ranks hold only what they compute; a rank that is full
// leaves the rest to others. They have room for twice a band.
// No matter which rank computed them, the items of a band are gathered by its writers: rank 0, or consecutive slabs
// spread over the ranks, so that each writes one contiguous piece of the file. Owners of slabs write their own, nothing
// moves. Items that go nowhere are computed in any order: bands hold nothing then and nobody waits for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <paceline/slab.hpp>

#include "engine/equal_cost.hpp"

namespace paceline {

enum class Schedule { block, cyclic, dynamic, weighted };
enum class Gather { parallel, root };

/// How inputs come to those who compute.
enum class Feeding {
  none,      ///< there are none
  resident,  ///< all that a rank may need is brought to it before it computes
  made,      ///< too large for that: each thread makes what it needs when it needs it
  streamed,  ///< too large for that: read from their files band by band, ahead of need
};

struct PlanRequest {
  std::int64_t items = 0;
  std::int64_t bytes_per_item = 1;
  int ranks = 1;
  int threads = 1;  ///< of each rank
  Schedule schedule = Schedule::dynamic;
  Gather gather = Gather::parallel;
  std::int64_t chunk = 0;                               ///< items; 0: chosen
  std::int64_t memory_limit = std::int64_t{512} << 20;  ///< bytes of the result that a rank may hold
  std::int64_t items_between_checks = 64;               ///< bounds a chosen chunk
  std::vector<double> costs;                            ///< weighted: estimated cost per sample, see sample_items()
  std::int64_t input_bytes_per_item = 0;                ///< of all inputs together
  bool inputs_can_be_made = false;                      ///< by any rank at any time; else they are read
  int input_sharers = 1;                                ///< ranks that hold one copy together
  std::int64_t datasets = 1;                            ///< that an item has a part of
  bool ordered = true;                                  ///< false: few bands, so that no item waits for another
  bool kept = true;                                     ///< false: the result is digested and goes nowhere
  int nodes = 1;                                        ///< that the ranks are on
  int takers = 0;                                       ///< ranks that surely take chunks and can wait; 0: all
};

/// A chunk as it is handed to a thread.
struct Chunk {
  Slab items;
  std::int64_t band = 0;
};

class Plan {
 public:
  /// Throws Error (usage) when the memory limit does not even hold single items.
  explicit Plan(PlanRequest request);

  [[nodiscard]] const PlanRequest& request() const { return request_; }
  [[nodiscard]] std::int64_t chunk_items() const { return chunk_; }
  [[nodiscard]] std::int64_t bands() const { return bands_; }
  /// Items that a thread computes at once: between two looks at the stop flag, and into memory that a cache holds.
  [[nodiscard]] std::int64_t piece_items() const { return piece_; }
  /// Whether threads wait for room in bands; else they take chunk after chunk.
  [[nodiscard]] bool goes_by_bands() const { return request_.kept || feeding_ == Feeding::streamed; }
  /// Bands that a rank may hold at once: computed into or waiting to be written. One more is being gathered.
  [[nodiscard]] static constexpr int bands_in_flight() { return 3; }

  /// The consecutive items among which lie all that `rank` may compute in `band`. Its size never exceeds band_items().
  [[nodiscard]] Slab window(std::int64_t band, int rank) const;
  [[nodiscard]] std::int64_t band_items() const { return band_items_; }
  /// Items of one band that a rank may hold.
  [[nodiscard]] std::int64_t room_items() const { return room_items_; }
  /// Whether that is less than the band, so that a rank may have to leave some of it to others.
  [[nodiscard]] bool limits_room() const { return goes_by_bands() && room_items_ < band_items_; }

  /// True if no rank owns chunks from the start: each goes to the rank that asks first.
  [[nodiscard]] bool hands_out_chunks() const { return own_.empty() && request_.schedule != Schedule::cyclic; }
  /// Chunks that belong to a rank from the start, in the order of bands.
  [[nodiscard]] std::int64_t own_chunks(int rank) const;
  [[nodiscard]] Chunk own_chunk(int rank, std::int64_t index) const;
  /// Chunks of everyone in the order in which they are handed out.
  [[nodiscard]] std::int64_t all_chunks() const;
  [[nodiscard]] Chunk any_chunk(std::int64_t index) const;
  [[nodiscard]] std::int64_t band_of_chunk(std::int64_t index) const { return index / (band_items_ / chunk_); }
  /// Chunks of one band that a rank may hold.
  [[nodiscard]] std::int64_t room_chunks() const { return room_items_ / chunk_; }
  /// One past the last chunk of the band that chunk `index` belongs to, in the same count.
  [[nodiscard]] std::int64_t band_end_chunk(std::int64_t index) const;

  /// True if who computes also writes, so that a band needs no gathering.
  [[nodiscard]] bool owners_write() const;
  /// Cuts a slab of a band among the ranks that write it.
  struct Share {
    int writer = 0;
    Slab items;
  };
  [[nodiscard]] std::vector<Share> shares(std::int64_t band, Slab items, int rank) const;
  /// True if each rank owns one slab: block, and weighted where that is best.
  [[nodiscard]] bool owns_slabs() const { return !own_.empty(); }
  /// Items that `rank` owns from the start; empty where it owns no single slab.
  [[nodiscard]] Slab own_slab(int rank) const;
  /// All that `rank` may compute.
  [[nodiscard]] Slab reach(int rank) const;
  /// The chunks of a band that a thread of `rank` takes first, as items; block and weighted.
  [[nodiscard]] Slab thread_part(std::int64_t band, int rank, int thread) const;

  [[nodiscard]] Feeding feeding() const { return feeding_; }
  /// Bytes that a rank holds at most: of the result, and of inputs.
  [[nodiscard]] std::int64_t held_bytes() const;
  [[nodiscard]] std::int64_t held_input_bytes() const;

 private:
  void size_bands(std::int64_t bytes_per_item, std::int64_t extra_bytes_per_item);
  /// Ranks that can be relied upon to hold parts of one band.
  [[nodiscard]] std::int64_t band_holders(std::int64_t extra_bytes_per_item) const;
  [[nodiscard]] bool slabs_are_too_uneven() const;
  void order_by_cost();
  [[nodiscard]] Slab band_range(std::int64_t band) const;
  [[nodiscard]] int writers(std::int64_t band_items) const;
  /// Own chunks of `rank` before `band`; block and weighted.
  [[nodiscard]] std::int64_t chunks_before(std::int64_t band, int rank) const;
  void fit_bands_of_equal_cost(std::int64_t limit_items);
  [[nodiscard]] std::int64_t chunks_in(std::int64_t items) const;

  PlanRequest request_;
  std::int64_t chunk_ = 1;
  std::int64_t piece_ = 1;
  std::int64_t band_items_ = 1;  ///< of the whole band (cyclic, dynamic) or of a rank's piece (block, weighted)
  std::int64_t room_items_ = 1;
  std::int64_t bands_ = 1;
  std::int64_t share_ = 0;  ///< what the bands of a rank cover in all
  Feeding feeding_ = Feeding::none;
  std::vector<Slab> own_;                 ///< block and weighted: a slab a rank
  std::optional<CumulativeCosts> costs_;  ///< weighted
  std::vector<std::uint32_t> order_;      ///< weighted without slabs: chunks as they are handed out
};

std::string to_string(Schedule schedule);
std::string to_string(Gather gather);
std::string to_string(Feeding feeding);

}  // namespace paceline
