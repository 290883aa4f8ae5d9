// Question: what does a result file cost over the bytes themselves? Each pair writes as many bytes by plain pwrite
// from one process and as a ResultFile by all ranks together, in turns first, both to the disk (fsync).
// Peer: the pwrite of the same pair, one call a band and an fsync at the end. Expected: at least 0.8 of its bandwidth
// for 12 MB, where creating the file counts, and more than it for larger ones, which go to the disk while they are
// written. Run: mpirun -np 2 build/bench/storage_bench   (BENCH_FOLDER: where to write, default the current folder)
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/digest.hpp>

#include "host/clock.hpp"
#include "host/mpi_environment.hpp"
#include "run_benchmarks.hpp"
#include "storage/output_path.hpp"
#include "storage/result_file.hpp"

namespace {

using namespace paceline;

constexpr std::int64_t row_bytes = 25000;
// 0.5 MB, as two ranks of one node write them.
constexpr std::int64_t band_rows = 20;
constexpr int pairs = 2;

std::filesystem::path folder() {
  const char* name = std::getenv("BENCH_FOLDER");
  return name != nullptr ? name : ".";
}

double plain_seconds(const std::vector<std::byte>& band, std::int64_t bytes) {
  const auto path = folder() / "storage_bench.bin";
  const Stopwatch watch;
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  for (std::int64_t at = 0; at < bytes;) {
    const auto part = std::min(static_cast<std::int64_t>(band.size()), bytes - at);
    const auto written = pwrite(file, band.data(), static_cast<std::size_t>(part), at);
    if (written <= 0) std::abort();
    at += written;
  }
  if (fsync(file) != 0) std::abort();
  close(file);
  const auto seconds = watch.seconds();
  std::filesystem::remove(path);
  return seconds;
}

double result_seconds(const Comm& world, const std::vector<std::byte>& band, std::int64_t rows) {
  ResultShape shape;
  shape.path = "/bench/bytes";
  shape.type = ElementType::uint8;
  shape.dims = {rows, row_bytes};
  const auto path = folder() / "storage_bench.h5";
  ItemMark mark;
  mark.digest = 1;
  const std::vector<ItemMark> marks(static_cast<std::size_t>(band_rows), mark);
  world.barrier();
  const Stopwatch watch;
  if (world.rank() == 0) ResultFile::create(part_of(path), shape);
  world.barrier();
  {
    // As the program does, a rank that is alone writes without MPI.
    const auto comm = world.size() > 1 ? std::optional(world) : std::nullopt;
    ResultFile file(part_of(path), comm, shape, ResultFile::Access::write);
    for (std::int64_t begin = 0; begin < rows; begin += band_rows) {
      const Slab all{begin, std::min(begin + band_rows, rows)};
      const Run mine{even_part(all, world.rank(), world.size()), 0, 0};
      const auto bytes = static_cast<std::size_t>(mine.items.size() * row_bytes);
      file.write({&mine, 1}, std::span(band).first(bytes), marks);
    }
    file.close();
  }
  if (world.rank() == 0) put_in_place(part_of(path), path);
  world.barrier();
  const auto seconds = watch.seconds();
  if (world.rank() == 0) std::filesystem::remove(path);
  return seconds;
}

void result_file_against_pwrite(benchmark::State& state) {
  const auto world = Comm::world();
  const auto rows = state.range(0) * 1000000 / row_bytes;
  std::vector<std::byte> band(static_cast<std::size_t>(band_rows * row_bytes), std::byte{7});
  double plain_s = 0, result_s = 0;
  bool plain_is_first = true;
  for (auto _ : state) {
    // Whoever comes second may be given the pages that the first has left: each goes first as often.
    double plain = 0, result = 0;
    for (const bool is_plain : {plain_is_first, !plain_is_first}) {
      world.barrier();
      if (is_plain) {
        plain = world.reduce_all(world.rank() == 0 ? plain_seconds(band, rows * row_bytes) : 0.0, MPI_MAX);
      } else {
        result = world.reduce_all(result_seconds(world, band, rows), MPI_MAX);
      }
    }
    plain_is_first = !plain_is_first;
    state.SetIterationTime(result);
    plain_s += plain;
    result_s += result;
  }
  const auto bytes = static_cast<double>(rows * row_bytes * state.iterations());
  state.counters["pwrite_GB/s"] = bytes / plain_s / 1e9;
  state.counters["result_GB/s"] = bytes / result_s / 1e9;
  state.counters["ratio"] = plain_s / result_s;
}
BENCHMARK(result_file_against_pwrite)
    ->Arg(12)
    ->Arg(200)
    ->Arg(1000)
    ->UseManualTime()
    ->Iterations(pairs)
    ->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  choose_mpi_components();  // As the program does.
  const MpiGuard mpi(argc, argv);
  return run_benchmarks_together(argc, argv, Comm::world().rank());
}
