// Bands in flight on one rank: where compute threads leave items and the writing thread finds them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "engine/plan.hpp"
#include "host/page_buffer.hpp"
#include "storage/parcel.hpp"
#include "workloads/workload.hpp"

namespace paceline {

class Bands {
 public:
  enum class Records { none, kept };
  Bands(const Plan& plan, int rank, std::int64_t bytes_per_item, int threads, Records records = Records::none);
  /// Of parcels, which threads bring along: new ones have to wait while the rank holds so many bytes of them.
  Bands(const Plan& plan, int rank, int threads, std::int64_t parcel_limit);

  /// All threads touch the memory first that they will compute into; where that is not asked for, it happens as they
  /// go.
  void first_touch();

  [[nodiscard]] int rank() const { return rank_; }

  // For compute threads.

  /// Says that `thread` has left all bands before `band`, and waits until there is room for this one.
  /// False when `stopping` came true meanwhile: then the thread must leave().
  bool enter(int thread, std::int64_t band, const std::function<bool()>& stopping);
  /// Where an item of a band that the thread has entered is to be computed.
  [[nodiscard]] std::span<std::byte> place(std::int64_t band, Slab items);
  /// Items that are computed, with one digest each and, where they are kept, one record each.
  void finished(std::int64_t band, Slab items, std::span<const std::uint64_t> digests,
                std::span<const ItemRecord> records = {});
  /// Of parcels: waits until there is room for one more. False when `stopping` came true meanwhile.
  bool wait_for_room(const std::function<bool()>& stopping) const;
  /// Counts the bytes of a parcel that has been made, and then takes it.
  void hold(std::int64_t bytes) { held_bytes_.fetch_add(bytes); }
  void finished(Parcel parcel);
  /// The thread takes part in no further band.
  void leave(int thread);

  // For the writing thread.

  /// True when no thread can add to the band any more.
  [[nodiscard]] bool passed(std::int64_t band) const;
  /// The last band that a thread has entered; -1: none.
  [[nodiscard]] std::int64_t last_entered() const { return last_entered_.load(); }
  struct View {
    Slab window;                             ///< items that the buffers have room for
    std::vector<Slab> runs;                  ///< finished items, sorted and merged
    std::span<std::byte> bytes;              ///< of the whole window
    std::span<const std::uint64_t> digests;  ///< of the whole window
    std::span<const ItemRecord> records;     ///< the same, if they are kept
  };
  /// The band's finished items; valid until release().
  [[nodiscard]] View view(std::int64_t band);
  [[nodiscard]] bool hold_parcels() const { return parcel_limit_ > 0; }
  [[nodiscard]] std::int64_t held_bytes() const { return held_bytes_.load(); }
  [[nodiscard]] bool is_full() const { return held_bytes_.load() >= parcel_limit_; }
  /// Bytes of parcels that are sent and written at once: HDF5 holds what it writes twice more meanwhile.
  [[nodiscard]] std::int64_t batch_bytes() const { return std::min(parcel_limit_ / 3, largest_batch_bytes); }
  /// Takes out the parcels of all bands that are finished so far, sorted; threads may bring more.
  [[nodiscard]] std::vector<Parcel> take_parcels();
  /// Says that parcels of so many bytes are gone.
  void make_room(std::int64_t bytes) { held_bytes_.fetch_sub(bytes); }
  /// Makes room for another band.
  void release(std::int64_t band);

 private:
  static constexpr std::int64_t largest_batch_bytes = std::int64_t{8} << 20;
  struct Slot {
    PageBuffer bytes;
    std::vector<std::uint64_t> digests;
    std::vector<ItemRecord> records;
    std::mutex mutex;
    std::vector<Slab> runs;
  };
  struct alignas(64) Place {
    std::atomic<std::int64_t> band{0};
  };
  Slot& slot(std::int64_t band) { return slots_[static_cast<std::size_t>(band % Plan::bands_in_flight())]; }

  const Plan& plan_;
  int rank_;
  std::int64_t bytes_per_item_;
  std::vector<Slot> slots_{static_cast<std::size_t>(Plan::bands_in_flight())};
  std::vector<Place> threads_;
  std::mutex parcels_mutex_;
  std::vector<Parcel> parcels_;
  std::int64_t parcel_limit_ = 0;            ///< 0: there are none
  std::atomic<std::int64_t> held_bytes_{0};  ///< of parcels
  std::atomic<std::int64_t> last_entered_{-1};
  std::atomic<std::int64_t> released_{0};  ///< bands that the writing thread is done with
};

}  // namespace paceline
