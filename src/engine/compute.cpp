#include "engine/compute.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <mutex>

#include "host/clock.hpp"

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

/// What one thread adds up by itself, in cache lines of its own.
struct alignas(64) Share {
  double busy_s = 0;
  double digest_s = 0;
  Inputs::Scratch scratch;
  std::int64_t items = 0;
  std::int64_t bytes = 0;
  Work work;
  Digest digest;
};

class Team {
 public:
  Team(const Plan& plan, const Workload& workload, const Inputs& inputs, Dispenser& dispenser, Bands& bands,
       const Board& board, const std::vector<std::uint8_t>& skip)
      : plan_(plan),
        workload_(workload),
        inputs_(inputs),
        dispenser_(dispenser),
        bands_(bands),
        board_(board),
        skip_(skip) {}

  ComputeResult run(int workers) {
    const int threads = plan_.request().threads;
    std::vector<Share> shares(static_cast<std::size_t>(threads));
    // Who waits for others makes no sound, and has time limits of its own.
    board_.my_pulse().at_work = workers > 0 && !workload_.is_waiting() ? 1 : 0;
    for (int thread = workers; thread < threads; ++thread) bands_.leave(thread);
#pragma omp parallel num_threads(std::max(workers, 1))
    {
      // An exception must not leave an OpenMP region.
      try {
        if (workers > 0) work(omp_get_thread_num(), shares[static_cast<std::size_t>(omp_get_thread_num())]);
      } catch (const Interrupted&) {
        board_.stop();
      } catch (const Error& error) {
        keep(error);
      } catch (const std::exception& error) {
        keep(Error(ExitCode::failure, fmt::format("rank {} failed", bands_.rank()), error.what(),
                   "with an --output, what was finished is kept, and --resume goes on"));
      }
      bands_.leave(omp_get_thread_num());
    }
    // libgomp may give fewer threads than were asked for; nobody must wait for the missing ones.
    for (int thread = 0; thread < threads; ++thread) bands_.leave(thread);
    board_.my_pulse().at_work = 0;

    for (const auto& share : shares) {
      result_.busy_s.push_back(share.busy_s);
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
  bool stopping() const { return board_.stopping_for_signals(); }

  /// The same for who waits for others, or for a slow file system, and so is not the one that is silent.
  bool stopping_meanwhile() {
    board_.beat();
    return stopping();
  }

  bool keeps_records() const { return !workload_.shape().records.empty(); }

  /// What was done counts even if it ends by an exception.
  void work(int thread, Share& share) {
    const auto stop = [this] { return stopping_meanwhile(); };
    // What is made just in time should still be in the cache when it is used.
    // Items of a table have a layout of their own each.
    const bool is_one_each = plan_.feeding() == Feeding::made || keeps_records() || !workload_.shape().columns.empty();
    const auto step = is_one_each ? std::int64_t{1} : plan_.piece_items();
    while (!stopping()) {
      const auto chunk = dispenser_.claim(thread);
      if (!chunk || !bands_.enter(thread, chunk->band, stop)) break;
      for (Nap nap; !inputs_.is_ready(chunk->band) && !stop();) nap.take();
      for (const auto& part : unfinished(chunk->items, skip_)) {
        for (auto begin = part.begin; begin < part.end && !stopping(); begin += step) {
          if (bands_.hold_parcels()) {
            compute_parcel(thread, chunk->band, begin, share);
          } else {
            compute_piece(thread, chunk->band, {begin, std::min(begin + step, part.end)}, share);
          }
        }
      }
    }
  }

  void compute_piece(int thread, std::int64_t band, Slab items, Share& share) {
    const auto& shape = workload_.shape();
    const auto operands = inputs_.of(band, items, share.scratch);
    const auto bytes = bands_.place(band, items).first(shape.bytes_in(items));
    Stopwatch watch;
    share.work += workload_.compute(items, operands, bytes);
    const auto seconds = watch.lap();
    share.busy_s += seconds;
    const auto each = static_cast<std::size_t>(shape.bytes_per_item());
    std::vector<std::uint64_t> digests;
    for (auto item = items.begin; item < items.end; ++item) {
      const auto at = static_cast<std::size_t>(item - items.begin) * each;
      digests.push_back(item_digest(item, bytes.subspan(at, std::min(each, bytes.size() - at))));
      share.digest.add(digests.back());
    }
    // Of one item: where records are kept, a piece is no more.
    const ItemRecord record{seconds, bands_.rank(), thread};
    bands_.finished(band, items, digests, std::span(&record, keeps_records() ? 1 : 0));
    share.digest_s += watch.lap();
    share.bytes += std::ssize(bytes);
    count(items.size(), share);
  }

  void compute_parcel(int thread, std::int64_t band, std::int64_t item, Share& share) {
    if (!bands_.wait_for_room([this] { return stopping_meanwhile(); })) return;
    const auto operands = inputs_.of(band, {item, item + 1}, share.scratch);
    Parcel parcel;
    Stopwatch watch;
    share.work += workload_.compute_parcel(item, operands, parcel.bytes);
    // At once: the workload counts it no more, and looks at this when it makes the next.
    bands_.hold(std::ssize(parcel.bytes));
    const auto seconds = watch.lap();
    share.busy_s += seconds;
    parcel.item = item;
    parcel.digest = item_digest(item, parcel.bytes);
    parcel.record = {seconds, bands_.rank(), thread};
    share.digest.add(parcel.digest);
    share.digest_s += watch.lap();
    share.bytes += std::ssize(parcel.bytes);
    bands_.finished(std::move(parcel));
    count(1, share);
  }

  void count(std::int64_t items, Share& share) {
    share.items += items;
    board_.shared().items_done.fetch_add(items, std::memory_order_relaxed);
    board_.beat();
  }

  void keep(const Error& error) {
    board_.stop();
    const std::lock_guard lock(mutex_);
    if (!result_.error) result_.error = error;
  }

  const Plan& plan_;
  const Workload& workload_;
  const Inputs& inputs_;
  Dispenser& dispenser_;
  Bands& bands_;
  const Board& board_;
  const std::vector<std::uint8_t>& skip_;
  std::mutex mutex_;
  ComputeResult result_;
};

}  // namespace

ComputeResult compute(const Plan& plan, const Workload& workload, const Inputs& inputs, Dispenser& dispenser,
                      Bands& bands, const Board& board, const std::vector<std::uint8_t>& skip,
                      std::optional<int> workers) {
  return Team(plan, workload, inputs, dispenser, bands, board, skip).run(workers.value_or(plan.request().threads));
}

}  // namespace paceline
