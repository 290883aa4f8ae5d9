#include "engine/writer.hpp"

#include <array>
#include <utility>

#include "engine/gather_parcels.hpp"
#include "host/clock.hpp"
#include "storage/result_file.hpp"

namespace paceline {
namespace {

constexpr double longest_parcel_wait_s = 0.1;

/// What ranks tell each other before a band is gathered; the largest value of each counts.
struct Notice {
  std::int64_t stop = 0;
  std::int64_t failed = 0;
  std::int64_t last_entered = -1;
  std::int64_t unfinished = 0;  ///< of this band
};

Notice exchange(const Comm& comm, Notice mine, const std::function<void()>& meanwhile) {
  std::array<std::int64_t, 4> values = {mine.stop, mine.failed, mine.last_entered, mine.unfinished};
  MPI_Request request = MPI_REQUEST_NULL;
  // Nonblocking, so that ranks that are ahead sleep instead of spinning on the cores of those that compute.
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), 4, MPI_INT64_T, MPI_MAX, comm.handle(), &request),
            "MPI_Iallreduce");
  wait_quietly(request, meanwhile);
  return {values[0], values[1], values[2], values[3]};
}

void write(ResultFile& file, const Gathered& gathered, WriterResult& result) {
  std::int64_t extent = 0;
  for (const auto& run : gathered.runs) extent = std::max(extent, run.at + run.items.size());
  try {
    file.write(gathered.runs, extent, gathered.bytes, gathered.digests, gathered.records);
  } catch (const Error& error) {
    result.error = error;
  }
}

/// What is finished so far, of any band: threads that are ahead fill the memory too. Collective.
void write_parcels(const Comm& comm, Bands& bands, bool are_wanted, ResultFile* file,
                   const std::function<void()>& meanwhile, WriterResult& result) {
  auto parcels = bands.take_parcels();
  if (!are_wanted) {
    for (auto& parcel : parcels) bands.make_room(std::ssize(std::exchange(parcel.bytes, {})));
    return;
  }
  double write_s = 0;
  const auto put = [&](std::vector<Parcel> some) {
    const Stopwatch watch;
    try {
      if (file != nullptr && !result.error) file->write(std::move(some));
    } catch (const Error& error) {
      result.error = error;
    }
    write_s += watch.seconds();
  };
  const auto gone = [&](std::int64_t bytes) { bands.make_room(bytes); };
  const Stopwatch watch;
  gather_parcels(comm, std::move(parcels), bands.batch_bytes(), {put, gone, meanwhile});
  result.gather_s += watch.seconds() - write_s;
  result.write_s += write_s;
}

/// Threads may still be leaving, and nodes may still have to hear that nothing is left.
WriterResult finish(Dispenser& dispenser, const std::function<void()>& serve, const WriterResult& result) {
  for (Nap nap; !dispenser.served(); nap.take()) serve();
  return result;
}

}  // namespace

WriterResult write_bands(const Plan& plan, const Comm& comm, Inputs& inputs, Bands& bands, const Board& board,
                         Dispenser& dispenser, Gatherer* gatherer, ResultFile* file,
                         const std::function<void()>& meanwhile) {
  WriterResult result;
  const auto serve = [&] {
    dispenser.serve();
    meanwhile();
  };
  /// Waits for the band to be passed; of parcels, not for long: those who wait for room may be what holds it up.
  const auto wait = [&](std::int64_t band) {
    const Stopwatch since;
    for (Nap nap; !bands.passed(band); nap.take()) {
      if (bands.hold_parcels() && (bands.is_full() || since.seconds() > longest_parcel_wait_s)) return;
      serve();
    }
  };
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    if (auto error = inputs.read_ahead(band); error && !result.error) {
      result.error = std::move(error);
      board.stop();
    }
    Notice notice;
    do {
      wait(band);
      notice = exchange(
          comm, {board.stopping() ? 1 : 0, result.error ? 1 : 0, bands.last_entered(), bands.passed(band) ? 0 : 1},
          serve);
      if (notice.stop != 0 || notice.failed != 0) board.stop();
      if (notice.failed != 0) return finish(dispenser, serve, result);
      if (bands.hold_parcels()) write_parcels(comm, bands, gatherer != nullptr, file, serve, result);
    } while (notice.unfinished != 0);
    // A stop ends the loop once no rank has entered this band: all threads have left, so none will.
    if (notice.stop != 0 && notice.last_entered < band) break;

    if (gatherer != nullptr && !bands.hold_parcels()) {
      // Waiting for slower ranks was their computing, not our gathering.
      Stopwatch watch;
      const auto gathered = gatherer->gather(band, bands.view(band), serve);
      result.gather_s += watch.lap();
      if (file != nullptr) write(*file, gathered, result);
      result.write_s += watch.lap();
    }
    bands.release(band);
  }
  return finish(dispenser, serve, result);
}

}  // namespace paceline
