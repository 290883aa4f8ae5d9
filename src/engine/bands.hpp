// Bands in flight on one rank: where compute threads leave items and the writing thread finds them.
//
// Who writes what it computes, and has room for all of a band, has items at their places; others lay them one after the
// other as they come, so that a rank holds what it computes and not what the band might have been. Memory of a band
// that is written is used again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "engine/plan.hpp"
#include "host/page_buffer.hpp"
#include "storage/result_file.hpp"
#include "storage/result_shape.hpp"

namespace paceline {

class Bands {
 public:
  Bands(const Plan& plan, const ResultShape& shape, int rank, int threads);

  /// All threads touch the memory first that they will compute into; where that is not asked for, it happens as they
  /// go.
  void first_touch();

  [[nodiscard]] int rank() const { return rank_; }

  // For compute threads.

  /// Says that `thread` has left all bands before `band`, and waits until there is room for this one.
  /// False when `stopping` came true meanwhile: then the thread must leave().
  bool enter(int thread, std::int64_t band, const std::function<bool()>& stopping);
  /// The same without waiting: false when there is no room yet.
  bool try_enter(int thread, std::int64_t band);
  /// Whether there are places at all: items that go nowhere have none.
  [[nodiscard]] bool keep() const { return plan_.request().kept; }
  /// Where items of a band that the thread has entered are to be computed; once for each.
  [[nodiscard]] std::span<std::byte> place(std::int64_t band, Slab items);
  /// Items that are computed at that place, with a mark each. `variable`: of a single item, if it has any.
  void finished(std::int64_t band, Slab items, std::span<const std::byte> place, std::span<const ItemMark> marks,
                Pieces variable = {});
  /// The thread takes part in no further band.
  void leave(int thread);

  // For the writing thread.

  /// True when no thread can add to the band any more.
  [[nodiscard]] bool passed(std::int64_t band) const;
  /// The last band that a thread has entered; -1: none.
  [[nodiscard]] std::int64_t last_entered() const { return last_entered_.load(); }
  /// True if items were finished that take() has not given out.
  [[nodiscard]] bool has_finished(std::int64_t band);
  struct View {
    std::vector<Run> runs;                                  ///< finished items, sorted and merged
    std::span<const std::byte> bytes;                       ///< where they lie
    std::vector<ItemMark> marks;                            ///< in the order of the runs
    std::vector<std::pair<std::int64_t, Pieces>> variable;  ///< of the finished items that have any, sorted
    /// Of a finished item.
    [[nodiscard]] ItemMark& mark(std::int64_t item);
  };
  /// The band's items that were finished since the last call; their bytes are valid until release().
  [[nodiscard]] View take(std::int64_t band);
  /// Makes room for another band.
  void release(std::int64_t band);

 private:
  struct Slot {
    PageBuffer bytes;
    std::atomic<std::size_t> filled{0};  ///< of them, where items lie as they come
    std::mutex mutex;
    std::vector<Run> runs;
    std::vector<ItemMark> marks;  ///< in the same order
    std::vector<std::pair<std::int64_t, Pieces>> variable;
  };
  struct alignas(64) Place {
    std::atomic<std::int64_t> band{0};
  };
  [[nodiscard]] bool have_places() const { return plan_.owners_write() && !plan_.limits_room(); }
  [[nodiscard]] std::span<std::byte> usual_place(std::int64_t band, Slab items);
  Slot& slot(std::int64_t band) { return slots_[static_cast<std::size_t>(band % Plan::bands_in_flight())]; }

  const Plan& plan_;
  const ResultShape& shape_;
  int rank_;
  std::vector<Slot> slots_{static_cast<std::size_t>(Plan::bands_in_flight())};
  std::vector<Place> threads_;
  std::atomic<std::int64_t> last_entered_{-1};
  std::atomic<std::int64_t> released_{0};  ///< bands that the writing thread is done with
};

}  // namespace paceline
