// What the probe has written of each process of a run.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace paceline {

/// Of MPI's calls of one class.
struct CallTotals {
  std::int64_t calls = 0;
  std::int64_t bytes = 0;
  double seconds = 0;  ///< thread-seconds
};
constexpr std::array<std::string_view, 5> call_classes = {"point_to_point", "collective", "one_sided", "io", "told"};

/// Times of threads are added up: 2 threads for 3 s are 6 s.
struct ProcessRecord {
  std::string host;
  std::string program;
  int rank = -1;  ///< -1: of no MPI job
  int ranks = 0;  ///< of the job
  bool uses_mpi = false;
  bool uses_openmp = false;
  bool is_finalized = false;
  int threads = 1;          ///< at once, at most
  double elapsed_s = 0;     ///< from MPI_Init to MPI_Finalize; without MPI, of the process
  double useful_s = 0;      ///< in neither MPI nor OpenMP's waiting
  double mpi_s = 0;         ///< in MPI
  double mpi_serial_s = 0;  ///< of mpi_s, outside parallel regions
  double imbalance_s = 0;   ///< in regions, waiting for the thread with the most work
  double scheduling_s = 0;  ///< in regions, waiting that keeps this thread, too
  double cpu_s = 0;         ///< of all threads, as the kernel counts
  std::int64_t max_rss_bytes = 0;
  std::vector<int> cpus;  ///< numbers of processors that it may use
  std::array<CallTotals, call_classes.size()> calls;
  std::vector<std::string> unseen;  ///< libraries it has loaded whose work the probe can't see

  /// Threads that wait while one of them is in MPI outside parallel regions.
  [[nodiscard]] double idle_in_mpi_s() const { return (threads - 1) * mpi_serial_s; }
  /// Threads that wait while one of them works outside parallel regions, or in smaller ones.
  [[nodiscard]] double serial_idle_s() const {
    return threads * elapsed_s - useful_s - mpi_s - idle_in_mpi_s() - imbalance_s - scheduling_s;
  }
};

/// Throws Error (failure) for a text that the probe has not written.
ProcessRecord process_record(const std::string& json);

/// "0-3,8" -> 0 1 2 3 8
std::vector<int> cpu_numbers(std::string_view list);

/// All that lie in the folder, by rank.
std::vector<ProcessRecord> read_records(const std::filesystem::path& folder);

}  // namespace paceline
