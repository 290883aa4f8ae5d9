// What a run is asked to do, as plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/plan.hpp"
#include "host/progress.hpp"
#include "workloads/workload.hpp"

namespace paceline {

struct RunOptions {
  std::string name;  ///< of the workload
  std::unique_ptr<Workload> workload;
  std::string command;           ///< the command line, for the file
  std::filesystem::path output;  ///< empty: only the report
  bool force = false;
  bool resume = false;
  int threads = 0;  ///< 0: OMP_NUM_THREADS, else the rank's bound cores
  Schedule schedule = Schedule::dynamic;
  Gather gather = Gather::parallel;
  std::int64_t chunk = 0;  ///< 0: chosen
  std::int64_t memory_limit = std::int64_t{512} << 20;
  double save_every_s = 30;
  double watchdog_s = 0;  ///< 0: off
  ProgressMode progress = ProgressMode::automatic;
  bool verify = false;
  bool allow_external = false;  ///< where the workload has no such option: taken, and nothing follows from it
  bool dry_run = false;
  bool json = false;
};

}  // namespace paceline
