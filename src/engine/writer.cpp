#include "engine/writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "host/clock.hpp"
#include "storage/result_file.hpp"

namespace paceline {
namespace {

// Variable bytes are written soon, and sooner where half of what a rank may hold is taken: over-budget workers wait for
// it.
constexpr double variable_wait_s = 0.1;
constexpr double pressed_wait_s = 0.01;
// Saving may take about one part in so many of the time between two saves, and that is at least this long.
constexpr double save_share = 50;
constexpr double least_wait_s = 1;

/// What ranks agree on in each round; of each value the largest counts.
struct Notice {
  std::int64_t stop = 0;
  std::int64_t failed = 0;
  std::int64_t last_entered = -1;
  std::int64_t unfinished = 0;  ///< of this band
  std::int64_t finished = 0;    ///< whether there is anything to write
  std::int64_t save_us = 0;     ///< how long the last save took
};

class Writer {
 public:
  explicit Writer(const WriterContext& context) : context_(context), variable_end_(context.variable_end) {}

  WriterResult run() {
    // Where threads go on by themselves, all that is left is to hear of the end.
    const auto first = context_.plan.goes_by_bands() ? 0 : context_.plan.bands() - 1;
    for (auto band = first; band < context_.plan.bands(); ++band) {
      if (auto error = context_.inputs.read_ahead(band); error && !result_.error) {
        result_.error = std::move(error);
        context_.node_state.stop();
      }
      Notice notice;
      for (bool is_whole = false; !is_whole;) {
        wait(band);
        notice = exchange(band);
        if (notice.stop != 0 || notice.failed != 0) context_.node_state.stop();
        if (notice.failed != 0) return finish();
        is_whole = notice.unfinished == 0;
        if (is_whole) break;
        if (notice.finished != 0) save(band, notice.last_entered);
      }
      // A stop ends the loop once no rank has entered this band: all threads have left, so none will.
      if (notice.stop != 0 && notice.last_entered < band) break;
      write(band);
      context_.bands.release(band);
    }
    return finish();
  }

 private:
  /// Says who needs the core: threads that compute, until the last of this rank has left.
  CoreUse serve() {
    context_.dispenser.serve();
    context_.meanwhile();
    return context_.bands.passed(context_.plan.bands()) ? CoreUse::own : CoreUse::computing;
  }

  /// A thread that waits for room has entered a band that has no memory yet.
  [[nodiscard]] std::int64_t last_in_memory(std::int64_t band, std::int64_t last_entered) const {
    return std::min({last_entered, band + Plan::bands_in_flight() - 1, context_.plan.bands() - 1});
  }

  [[nodiscard]] bool is_pressed() const {
    return context_.variable != nullptr && context_.variable->held() > context_.variable->limit() / 2;
  }

  /// Until the band is passed, or it is time to save. A yield to threads that compute lasts a time slice here, and
  /// costs them less than to be interrupted by a timer.
  void wait(std::int64_t band) {
    for (Backoff backoff; !context_.bands.passed(band); backoff.wait()) {
      const auto patience_s = !context_.shape.variable ? patience_s_ : is_pressed() ? pressed_wait_s : variable_wait_s;
      if (since_save_.seconds() > patience_s) return;
      serve();
    }
  }

  Notice exchange(std::int64_t band) {
    auto& bands = context_.bands;
    bool has_finished = false;
    const auto last = last_in_memory(band, bands.last_entered());
    for (auto b = band; b <= last; ++b) has_finished = has_finished || bands.has_finished(b);
    std::array<std::int64_t, 6> values = {context_.node_state.stopping() ? 1 : 0,
                                          result_.error ? 1 : 0,
                                          bands.last_entered(),
                                          bands.passed(band) ? 0 : 1,
                                          has_finished ? 1 : 0,
                                          static_cast<std::int64_t>(1e6 * save_s_)};
    MPI_Request request = MPI_REQUEST_NULL;
    // Nonblocking, so that ranks that are ahead sleep instead of spinning on the cores of those that compute.
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_INT64_T, MPI_MAX,
                             context_.comm.handle(), &request),
              "MPI_Iallreduce");
    wait_quietly(request, [this] { return serve(); });
    const Notice notice{values[0], values[1], values[2], values[3], values[4], values[5]};
    patience_s_ = std::clamp(save_share * 1e-6 * static_cast<double>(notice.save_us), least_wait_s,
                             std::max(least_wait_s, context_.save_every_s));
    patience_s_ = std::min(patience_s_, context_.save_every_s);
    since_save_.lap();
    return notice;
  }

  /// What is finished so far of any band. Collective.
  void save(std::int64_t band, std::int64_t last_entered) {
    const Stopwatch watch;
    const auto last = last_in_memory(band, last_entered);
    for (; band <= last; ++band) write(band);
    save_s_ = watch.seconds();
  }

  /// What is finished of the band and not yet written. Collective.
  void write(std::int64_t band) {
    auto view = context_.bands.take(band);
    std::int64_t held = 0;
    for (const auto& [item, pieces] : view.variable) {
      for (const auto& piece : pieces) held += std::ssize(piece);
    }
    if (context_.gatherer != nullptr) {
      Stopwatch watch;
      if (context_.shape.variable) write_variable(view, held);
      result_.write_s += watch.lap();
      const auto gathered = context_.gatherer->gather(band, view, [this] { return serve(); });
      // Waiting for slower ranks was their computing, not our gathering.
      result_.gather_s += watch.lap();
      if (context_.file != nullptr)
        attempt([&] {
          // Items whose variable bytes could not be written are not flagged.
          const auto runs = result_.error ? std::span<const Run>{} : std::span<const Run>(gathered.runs);
          context_.file->write(runs, gathered.bytes, gathered.marks);
        });
      result_.write_s += watch.lap();
    }
    view.variable.clear();
    if (context_.variable != nullptr) context_.variable->give_back(held);
  }

  /// Gives the items' variable bytes a place, one rank's after the other's, and writes them.
  void write_variable(Bands::View& view, std::int64_t held) {
    std::array<std::int64_t, 2> sizes = {held, held};
    std::array<MPI_Request, 2> requests = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    std::int64_t before = 0, all = 0;
    check_mpi(MPI_Iexscan(&sizes[0], &before, 1, MPI_INT64_T, MPI_SUM, context_.comm.handle(), &requests[0]),
              "MPI_Iexscan");
    check_mpi(MPI_Iallreduce(&sizes[1], &all, 1, MPI_INT64_T, MPI_SUM, context_.comm.handle(), &requests[1]),
              "MPI_Iallreduce");
    for (auto& request : requests) wait_quietly(request, [this] { return serve(); });
    if (context_.comm.rank() == 0) before = 0;
    auto at = variable_end_ + before;
    variable_end_ += all;
    if (all == 0) return;
    std::vector<VariableRun> runs;
    for (const auto& [item, pieces] : view.variable) {
      auto& mark = view.mark(item);
      mark.begin = at;
      for (const auto& piece : pieces) {
        runs.push_back({at, piece});
        at += std::ssize(piece);
      }
    }
    if (context_.file != nullptr) attempt([&] { context_.file->reserve(variable_end_); });
    const auto put = [&](std::span<const VariableRun> some) {
      if (context_.file != nullptr) attempt([&] { context_.file->write_variable(some); });
    };
    if (context_.plan.request().gather == Gather::root) {
      context_.gatherer->gather_variable(runs, put, [this] { return serve(); });
    } else {
      put(runs);
    }
  }

  template <class Action>
  void attempt(Action&& action) {
    try {
      action();
    } catch (const Error& error) {
      if (!result_.error) result_.error = error;
    }
  }

  /// Threads may still be leaving, and nodes may still have to hear that nothing is left.
  WriterResult finish() {
    for (Backoff backoff; !context_.dispenser.served(); backoff.wait()) serve();
    return result_;
  }

  const WriterContext& context_;
  std::int64_t variable_end_;
  WriterResult result_;
  Stopwatch since_save_;
  double save_s_ = 0;
  double patience_s_ = std::min(least_wait_s, context_.save_every_s);
};

}  // namespace

WriterResult write_bands(const WriterContext& context) { return Writer(context).run(); }

}  // namespace paceline
