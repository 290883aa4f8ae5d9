#include "run/writer.hpp"

#include <array>

#include "run/clock.hpp"
#include "storage/result_file.hpp"

namespace paceline {
namespace {

/// What ranks tell each other before a band is gathered; the largest value of each counts.
struct Notice {
  std::int64_t stop = 0;
  std::int64_t failed = 0;
  std::int64_t last_entered = -1;
};

Notice exchange(const Comm& comm, Notice mine, const std::function<void()>& meanwhile) {
  std::array<std::int64_t, 3> values = {mine.stop, mine.failed, mine.last_entered};
  MPI_Request request = MPI_REQUEST_NULL;
  // Nonblocking, so that ranks that are ahead sleep instead of spinning on the cores of those that compute.
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), 3, MPI_INT64_T, MPI_MAX, comm.handle(), &request),
            "MPI_Iallreduce");
  wait_quietly(request, meanwhile);
  return {values[0], values[1], values[2]};
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

}  // namespace

WriterResult write_bands(const Plan& plan, const Comm& comm, Inputs& inputs, Bands& bands, const Board& board,
                         Dispenser& dispenser, Gatherer* gatherer, ResultFile* file,
                         const std::function<void()>& meanwhile) {
  WriterResult result;
  const auto serve = [&] {
    dispenser.serve();
    meanwhile();
  };
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    if (auto error = inputs.read_ahead(band); error && !result.error) {
      result.error = std::move(error);
      board.stop();
    }
    for (Nap nap; !bands.passed(band); nap.take()) serve();
    const auto notice = exchange(comm, {board.stopping() ? 1 : 0, result.error ? 1 : 0, bands.last_entered()}, serve);
    if (notice.stop != 0 || notice.failed != 0) board.stop();
    // A stop ends the loop once no rank has entered this band: all threads have left, so none will.
    if (notice.failed != 0 || (notice.stop != 0 && notice.last_entered < band)) break;

    if (gatherer != nullptr) {
      // Waiting for slower ranks was their computing, not our gathering.
      Stopwatch watch;
      const auto gathered = gatherer->gather(band, bands.view(band), serve);
      result.gather_s += watch.lap();
      if (file != nullptr) write(*file, gathered, result);
      result.write_s += watch.lap();
    }
    bands.release(band);
  }
  // Threads may still be leaving, and nodes may still have to hear that nothing is left.
  for (Nap nap; !dispenser.served(); nap.take()) serve();
  return result;
}

}  // namespace paceline
