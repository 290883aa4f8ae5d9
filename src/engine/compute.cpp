#include "engine/compute.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "host/clock.hpp"
#include "host/page_buffer.hpp"

namespace paceline {
namespace {

/// The parts of a chunk that no former run has finished.
std::vector<Slab> unfinished(Slab chunk, const std::vector<std::uint8_t>& skip) {
  if (skip.empty()) return {chunk};
  std::vector<Slab> parts;
  for (auto item = chunk.begin; item < chunk.end; ++item) {
    if (skip[static_cast<std::size_t>(item)] != 0) continue;
    if (!parts.empty() && parts.back().end == item) {
      ++parts.back().end;
    } else {
      parts.push_back({item, item + 1});
    }
  }
  return parts;
}

// Fewer pages are left to their faults. For those that are there, to ask costs some microseconds.
constexpr std::size_t least_touched = 16 * PageBuffer::page;

/// What one thread adds up by itself, in cache lines of its own.
struct alignas(64) Share {
  double busy_s = 0;
  double digest_s = 0;
  Inputs::Scratch scratch;
  std::int64_t items = 0;
  std::int64_t bytes = 0;
  Work work;
  Digest digest;
  std::vector<ItemMark> marks;  ///< of the items at hand
  PageBuffer room;              ///< for items that go nowhere, used again and again

  std::span<std::byte> some(std::size_t size) {
    if (room.bytes().size() < size) {
      room = PageBuffer(size);
      touch(room.bytes());
    }
    return room.bytes().first(size);
  }
};

class Team {
 public:
  explicit Team(const ComputeContext& context)
      : context_(context),
        bands_(context.bands),
        node_state_(context.node_state),
        touches_(bands_.keep() && !context.workload.traits().is_memory_bound) {}

  ComputeResult run() {
    const int threads = context_.plan.request().threads;
    const int workers = context_.workers;
    std::vector<Share> shares(static_cast<std::size_t>(threads));
    // Waiting makes no sign of life.
    node_state_.my_pulse().at_work = workers > 0 && context_.waiting == nullptr ? 1 : 0;
    for (int thread = workers; thread < threads; ++thread) bands_.leave(thread);
    if (context_.waiting != nullptr) {
      guarded([&] { wait_for_items(shares); });
    } else {
#pragma omp parallel num_threads(std::max(workers, 1))
      {
        const int thread = omp_get_thread_num();
        if (workers > 0) guarded([&] { work(thread, shares[static_cast<std::size_t>(thread)]); });
        bands_.leave(thread);
      }
    }
    // libgomp may give fewer threads than were asked for; nobody must wait for the missing ones.
    for (int thread = 0; thread < threads; ++thread) bands_.leave(thread);
    node_state_.my_pulse().at_work = 0;

    for (const auto& share : shares) {
      result_.busy_s.push_back(share.busy_s);
      result_.useful_s.push_back(share.busy_s + share.digest_s);
      result_.make_s = std::max(result_.make_s, share.scratch.make_s);
      result_.digest_s = std::max(result_.digest_s, share.digest_s);
      result_.items += share.items;
      result_.bytes += share.bytes;
      result_.work += share.work;
      result_.digest.add(share.digest.sum());
    }
    return result_;
  }

 private:
  bool stopping() const { return node_state_.stopping_for_signals(); }

  /// The same while waiting: a rank that waits for others, or for a slow file system, is not hung.
  bool stopping_meanwhile() {
    node_state_.beat();
    return stopping();
  }

  /// An exception must not leave an OpenMP region.
  template <class Action>
  void guarded(Action&& action) {
    try {
      action();
    } catch (const Interrupted&) {
      node_state_.stop();
    } catch (const Error& error) {
      keep(error);
    } catch (const std::exception& error) {
      keep(Error(ErrorKind::failure, fmt::format("rank {} failed", bands_.rank()), error.what(),
                 "with an --output, what was finished is kept, and --resume goes on"));
    }
  }

  /// What was done counts even if it ends by an exception.
  void work(int thread, Share& share) {
    const auto stop = [this] { return stopping_meanwhile(); };
    const auto& shape = context_.workload.shape();
    // What is made just in time should still be in the cache when it is used, and origins, variable bytes and the
    // columns of a table are each one item's.
    const bool is_one_each =
        context_.plan.feeding() == Feeding::made || !shape.origins.empty() || !shape.columns.empty() || shape.variable;
    const auto step = is_one_each ? std::int64_t{1} : context_.plan.piece_items();
    while (!stopping()) {
      const auto chunk = context_.dispenser.claim(thread);
      if (!chunk || !bands_.enter(thread, chunk->band, stop)) break;
      for (Backoff backoff; !context_.inputs.is_ready(chunk->band) && !stop();) backoff.wait();
      for (const auto& part : unfinished(chunk->items, context_.skip)) {
        for (auto begin = part.begin; begin < part.end && !stopping(); begin += step) {
          compute_piece(thread, chunk->band, {begin, std::min(begin + step, part.end)}, share);
        }
      }
    }
  }

  /// Of a worker that waits for items, one at a time.
  struct Slot {
    std::int64_t band = 0;
    std::vector<Slab> left;  ///< of the chunk that it has claimed, the next item last
    bool is_waiting = false;
    bool has_left = false;  ///< there are no more chunks
    Stopwatch since;        ///< it began to wait
  };

  /// One thread for all workers.
  void wait_for_items(std::vector<Share>& shares) {
    std::vector<Slot> slots(static_cast<std::size_t>(context_.workers));
    std::map<std::int64_t, std::size_t> waited_for;  // item -> slot
    while (!stopping_meanwhile()) {
      for (std::size_t k = 0; k < slots.size(); ++k) {
        if (const auto item = next_item(slots[k], static_cast<int>(k))) {
          slots[k].since.lap();
          slots[k].is_waiting = true;
          waited_for[*item] = k;
          context_.waiting->begin(*item);
        }
      }
      if (std::all_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.has_left; })) break;
      // A slot may have a chunk that there is no room for: then writing is waited for, in which items may come, too.
      if (const auto item = context_.waiting->next_done()) {
        const auto k = waited_for.extract(*item).mapped();
        slots[k].is_waiting = false;
        compute_piece(static_cast<int>(k), slots[k].band, {*item, *item + 1}, shares[k], slots[k].since.seconds());
      }
    }
  }

  /// The item that a worker is to wait for next; nothing while it waits for one, while its band has no room, and when
  /// it has left.
  std::optional<std::int64_t> next_item(Slot& slot, int thread) {
    if (slot.is_waiting || slot.has_left) return std::nullopt;
    while (slot.left.empty()) {
      const auto chunk = context_.dispenser.claim(thread);
      if (!chunk) {
        slot.has_left = true;
        bands_.leave(thread);
        return std::nullopt;
      }
      slot.band = chunk->band;
      slot.left = unfinished(chunk->items, context_.skip);
      std::reverse(slot.left.begin(), slot.left.end());
      // Chunks without unfinished items are passed over, but not their bands.
      if (slot.left.empty()) bands_.try_enter(thread, slot.band);
    }
    if (!bands_.try_enter(thread, slot.band)) return std::nullopt;
    auto& part = slot.left.back();
    const auto item = part.begin++;
    if (part.empty()) slot.left.pop_back();
    return item;
  }

  /// `waited_s`: for the item, before.
  void compute_piece(int thread, std::int64_t band, Slab items, Share& share, double waited_s = 0) {
    const auto& shape = context_.workload.shape();
    const auto operands = context_.inputs.of(band, items, share.scratch);
    const auto bytes = bands_.keep() ? bands_.place(band, items) : share.some(shape.bytes_in(items));
    if (touches_ && bytes.size() >= least_touched) touch(bytes);
    Pieces variable;
    Stopwatch watch;
    share.work += context_.workload.compute(items, operands, {bytes, shape.variable ? &variable : nullptr});
    const auto seconds = watch.lap() + waited_s;
    share.busy_s += seconds;
    share.marks.clear();
    std::size_t at = 0;
    for (auto item = items.begin; item < items.end; ++item) {
      const auto here = shape.bytes_in({item, item + 1});
      auto& mark = share.marks.emplace_back();
      mark.digest = digest_of(shape, item, bytes.subspan(at, here), variable);
      mark.origin = {seconds, bands_.rank(), thread};
      for (const auto& piece : variable) mark.size += std::ssize(piece);
      share.digest.add(part_of_result(mark.digest));
      share.bytes += static_cast<std::int64_t>(here) + mark.size;
      at += here;
    }
    if (bands_.keep()) bands_.finished(band, items, bytes, share.marks, std::move(variable));
    share.digest_s += watch.lap();
    share.items += items.size();
    node_state_.shared().items_done.fetch_add(items.size(), std::memory_order_relaxed);
    node_state_.beat();
  }

  void keep(const Error& error) {
    node_state_.stop();
    const std::lock_guard lock(mutex_);
    if (!result_.error) result_.error = error;
  }

  const ComputeContext& context_;
  Bands& bands_;
  const NodeState& node_state_;
  /// Memory that may be fresh. Where it bounds the work, all of it was touched before.
  bool touches_;
  std::mutex mutex_;
  ComputeResult result_;
};

}  // namespace

ComputeResult compute(const ComputeContext& context) { return Team(context).run(); }

}  // namespace paceline
