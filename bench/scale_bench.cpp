// Question: how well would a run scale to more ranks than there are here?
// A simulation: the real Plan, Supply and Demand, by which SharedDispenser hands chunks out, and OwnDispenser's order,
// on nodes of 64 ranks; only time is made up. Rows are those of the Mandelbrot set at 1,000 iterations, every one
// iterated to the end. Messages cost as LogGP has it (Alexandrov et al. 1995); threads look for them as Backoff lets
// them.
// Limits: 1, or what rows allow that can't be cut. With R ranks none ends before (all cost) / R or the costliest row
// ("bound"); "slabs" is the best cut into slabs of whole rows, "sorted" what costliest-first gives whoever is free, "in
// order" the same in the order of rows, all without any delay.
// Run: scale_bench [MILLISECONDS OF A MEAN ROW] [ROWS] [--memory-limit of a rank, MiB]
// Against real ranks: bench/scale_run.py, which uses
//   scale_bench simulate RANKS RANKS_PER_NODE MILLISECONDS ROWS even|uneven [MICROSECONDS OF THE LONGEST LOOK]
//   mpirun -np RANKS scale_bench real RANKS_PER_NODE MILLISECONDS ROWS even|uneven ROUNDS
// The second sleeps for as long as rows take, with the real dispenser; ranks of one machine are taken for nodes.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/dispenser.hpp"
#include "engine/plan.hpp"
#include "simulation.hpp"
#include "workloads/fractal/kernel.hpp"

namespace paceline {
namespace {

std::vector<double> row_costs(std::int64_t rows, double mean_s) {
  std::vector<double> re(256), costs;
  for (std::size_t j = 0; j < re.size(); ++j) re[j] = -2 + 2.5 * static_cast<double>(j) / 255;
  std::vector<std::uint16_t> counts(re.size());
  const fractal::KernelParams params{fractal::Formula::mandelbrot, fractal::Interior::plain, 1000, 0, 0};
  for (std::int64_t row = 0; row < rows; ++row) {
    const double im[] = {-1.25 + 2.5 * static_cast<double>(row) / static_cast<double>(rows)};
    const auto work = fractal::count_block<std::uint16_t>(params, re, im, counts);
    costs.push_back(static_cast<double>(work.counted) + 256);
  }
  const auto all = std::accumulate(costs.begin(), costs.end(), 0.0);
  for (auto& cost : costs) cost *= mean_s * static_cast<double>(rows) / all;
  return costs;
}

PlanRequest request_of(const std::vector<double>& costs, int ranks, Schedule schedule) {
  PlanRequest request;
  request.items = std::ssize(costs);
  request.ranks = ranks;
  request.schedule = schedule;
  request.items_between_checks = 1;
  for (const auto item : sample_items(request.items, ranks)) {
    request.costs.push_back(costs[static_cast<std::size_t>(item)]);
  }
  return request;
}

void print(std::int64_t rows, double mean_s, std::int64_t memory_limit) {
  const auto costs = row_costs(rows, mean_s);
  auto sorted = costs;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto all = std::accumulate(costs.begin(), costs.end(), 0.0);
  fmt::print("{} rows of {} ms on average, the costliest {:.2f} times that; efficiency\n", rows, 1e3 * mean_s,
             sorted.front() / mean_s);
  fmt::print("{:>7} {:>9} {:>9} {:>9} {:>9} {:>9}   at best: {:>8} {:>8} {:>8} {:>8}\n", "ranks", "block", "cyclic",
             "weighted", "dynamic", "bands", "bound", "slabs", "sorted", "in order");
  for (const int ranks : {64, 1024, 4096, 16'384}) {
    fmt::print("{:>7}", ranks);
    const auto efficiency = [&](double seconds) { return all / (ranks * seconds); };
    std::int64_t bands = 0;
    for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::weighted, Schedule::dynamic}) {
      auto request = request_of(costs, ranks, schedule);
      request.bytes_per_item = 2 * rows + 40;
      request.memory_limit = memory_limit;
      const Plan plan(request);
      bands = plan.bands();
      fmt::print(" {:>9.3f}", efficiency(Simulation(plan, costs).run()));
    }
    fmt::print(" {:>9}            {:>8.3f} {:>8.3f} {:>8.3f} {:>8.3f}\n", bands,
               efficiency(std::max(all / ranks, sorted.front())),
               efficiency(costliest_slab(
                   equal_cost_slabs(rows, ranks, request_of(costs, ranks, Schedule::weighted).costs), costs)),
               efficiency(list_cost(sorted, ranks)), efficiency(list_cost(costs, ranks)));
  }
}

std::vector<double> costs_of(const std::string& kind, std::int64_t rows, double mean_s) {
  return kind == "even" ? std::vector<double>(static_cast<std::size_t>(rows), mean_s) : row_costs(rows, mean_s);
}

// Nothing is kept: what is compared is handing out, not writing.
constexpr Schedule compared[] = {Schedule::dynamic, Schedule::weighted};

void simulate(int ranks, const std::vector<double>& costs, const Machine& machine) {
  for (const auto schedule : compared) {
    auto request = request_of(costs, ranks, schedule);
    request.kept = false;
    fmt::print("{} {:.6f}\n", to_string(schedule), Simulation(Plan(request), costs, machine).run());
  }
}

/// Seconds until the last rank is done, and the seconds between two looks of rank 0's writing thread.
std::pair<double, double> sleep_through(const Comm& world, const Comm& node, const Plan& plan,
                                        const std::vector<double>& costs) {
  const NodeState node_state(node);
  const auto dispenser = make_dispenser(plan, world, node_state);
  std::atomic<bool> is_done = false;
  std::int64_t looks = 0;
  world.barrier();
  const Stopwatch watch;
  std::thread writing([&] {
    // Others serve nobody, and on few cores their looks would hold up those that do.
    if (node.rank() != 0) return;
    for (Backoff backoff; !is_done || !dispenser->served(); backoff.wait()) {
      dispenser->serve();
      ++looks;
    }
  });
  while (const auto chunk = dispenser->claim(0)) {
    for (auto item = chunk->items.begin; item < chunk->items.end; ++item) {
      std::this_thread::sleep_for(std::chrono::duration<double>(costs[static_cast<std::size_t>(item)]));
    }
  }
  const auto seconds = watch.seconds();
  is_done = true;
  writing.join();
  return {world.reduce_all(seconds, MPI_MAX), seconds / static_cast<double>(std::max(looks, std::int64_t{1}))};
}

void sleep_for_real(int ranks_per_node, const std::vector<double>& costs, int rounds) {
  const auto world = Comm::world().duplicate();
  const auto node = *world.split(world.rank() / ranks_per_node);
  for (int round = 0; round < rounds; ++round) {
    for (const auto schedule : compared) {
      auto request = request_of(costs, world.size(), schedule);
      request.kept = false;
      const auto [seconds, look_s] = sleep_through(world, node, Plan(request), costs);
      if (world.rank() == 0) fmt::print("{} {:.6f} {:.1f}\n", to_string(schedule), seconds, look_s / us);
    }
  }
}

}  // namespace
}  // namespace paceline

int main(int argc, char** argv) {
  using namespace paceline;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](std::size_t k, double otherwise) {
    return k < words.size() ? std::atof(words[k].c_str()) : otherwise;
  };
  const auto count = [&](std::size_t k, std::int64_t otherwise) {
    return static_cast<std::int64_t>(number(k, static_cast<double>(otherwise)));
  };
  if (words.size() >= 6 && words[0] == "simulate") {
    Machine machine;
    machine.ranks_per_node = static_cast<int>(count(2, 64));
    machine.look_s = number(6, machine.look_s / us) * us;
    simulate(static_cast<int>(count(1, 64)), costs_of(words[5], count(4, 0), 1e-3 * number(3, 0)), machine);
  } else if (words.size() == 6 && words[0] == "real") {
    const MpiGuard mpi(argc, argv, ThreadLevel::serialized);
    sleep_for_real(static_cast<int>(count(1, 64)), costs_of(words[4], count(3, 0), 1e-3 * number(2, 0)),
                   static_cast<int>(count(5, 1)));
  } else {
    print(count(1, 65'536), 1e-3 * number(0, 20), count(2, 512) << 20);
  }
  return 0;
}
