// Question: how well would a run scale to more ranks than there are here?
// A simulation: the real Plan and its pieces for nodes, as SharedDispenser and OwnDispenser hand them out, over nodes
// of 64 ranks; only time is made up. Rows are those of the Mandelbrot set at 1,000 iterations, every one iterated to
// the end. Messages cost as LogGP has it (Alexandrov et al. 1995); a writing thread looks for them as Backoff lets it.
// Limit: 1, and what rows allow that can't be cut: with R ranks none ends before (all cost) / R or the costliest row.
// Run: scale_bench [MILLISECONDS OF A MEAN ROW] [ROWS] [--memory-limit of a rank, MiB]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <queue>
#include <utility>
#include <vector>

#include "engine/plan.hpp"
#include "workloads/fractal/kernel.hpp"

namespace paceline {
namespace {

constexpr int ranks_per_node = 64;
constexpr double us = 1e-6;
constexpr double latency_s = 2 * us;  // between nodes
constexpr double service_s = 1 * us;  // rank 0, for each request
constexpr double look_s = 200 * us;   // longest sleep of a writing thread between two looks
constexpr double claim_s = 0.1 * us;
constexpr double write_s = 1000 * us;  // of a band, from its last item to its room being free

/// Spread evenly over [0, 1), the same in every run.
double fraction(std::uint64_t k) { return static_cast<double>(k * 0x9e3779b97f4a7c15U >> 11) * 0x1p-53; }

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

/// Bands as Bands has them: a band has room once the one three before it is written.
class Room {
 public:
  explicit Room(const Plan& plan) : left_(static_cast<std::size_t>(plan.bands()), 0), free_(left_.size() + 1, 0) {}
  void expect(std::int64_t band, std::int64_t chunks) { left_[static_cast<std::size_t>(band)] += chunks; }
  /// When one may enter; negative: not known yet.
  [[nodiscard]] double since(std::int64_t band) const {
    const auto before = band - Plan::bands_in_flight();
    if (before < 0) return 0;
    return released_ > before ? free_[static_cast<std::size_t>(before)] : -1;
  }
  /// A chunk is done. True if a band was released.
  bool done(std::int64_t band, double now) {
    --left_[static_cast<std::size_t>(band)];
    const auto before = released_;
    while (released_ < std::ssize(left_) && left_[static_cast<std::size_t>(released_)] == 0) {
      const auto last = released_ > 0 ? free_[static_cast<std::size_t>(released_) - 1] : 0;
      free_[static_cast<std::size_t>(released_++)] = std::max(now, last) + write_s;
    }
    return released_ > before;
  }

 private:
  std::vector<std::int64_t> left_;
  std::vector<double> free_;
  std::int64_t released_ = 0;
};

enum class What { worker_is_free, chunk_is_done, request, reply };
struct Event {
  double at = 0;
  What what = What::worker_is_free;
  int place = 0;  ///< a rank, or a node
  std::int64_t begin = 0, end = 0;
  friend bool operator>(const Event& a, const Event& b) { return a.at > b.at; }
};

class Simulation {
 public:
  Simulation(const Plan& plan, const std::vector<double>& costs)
      : plan_(plan), costs_(costs), room_(plan), nodes_((plan.request().ranks + ranks_per_node - 1) / ranks_per_node) {}

  /// Seconds until the last rank is done.
  double run() {
    const bool is_dynamic = plan_.request().schedule == Schedule::dynamic;
    if (is_dynamic) {
      for (std::int64_t k = 0; k < plan_.all_chunks(); ++k) room_.expect(plan_.any_chunk(k).band, 1);
    } else {
      next_of_rank_.resize(static_cast<std::size_t>(plan_.request().ranks), 0);
      for (int rank = 0; rank < plan_.request().ranks; ++rank) {
        for (std::int64_t k = 0; k < plan_.own_chunks(rank); ++k) room_.expect(plan_.own_chunk(rank, k).band, 1);
      }
    }
    for (int node = 0; node < nodes_ && is_dynamic; ++node) ask(node, 0);
    for (int rank = 0; rank < plan_.request().ranks; ++rank) post({0, What::worker_is_free, rank});
    while (!events_.empty()) {
      const auto event = events_.top();
      events_.pop();
      now_ = event.at;
      switch (event.what) {
        case What::worker_is_free: is_dynamic ? claim(event.place) : claim_own(event.place); break;
        case What::chunk_is_done: done(event); break;
        case What::request: answer(event.place); break;
        case What::reply: fill(event); break;
      }
    }
    return end_;
  }

 private:
  struct Node {
    std::int64_t begin = 0, end = 0;              ///< current chunks
    std::int64_t spare_begin = 0, spare_end = 0;  ///< for when they are gone
    bool asked = false, is_exhausted = false;
    std::vector<int> waiting;
  };

  void post(Event event) { events_.push(event); }
  double look() { return look_s * fraction(++looks_); }

  void ask(int node, double delay) {
    auto& here = node_[static_cast<std::size_t>(node)];
    if (here.asked || here.is_exhausted) return;
    here.asked = true;
    post({now_ + delay + (node > 0 ? latency_s : 0), What::request, node});
  }

  /// Rank 0 looks now and then, and answers one after the other.
  void answer(int node) {
    server_free_ = std::max(server_free_, now_ + look()) + service_s;
    const auto piece = next_ < plan_.all_chunks() ? plan_.node_piece(next_, nodes_, ranks_per_node) : 0;
    post({server_free_ + (node > 0 ? latency_s + look() : 0), What::reply, node, next_, next_ + piece});
    next_ += piece;
  }

  void fill(const Event& reply) {
    auto& here = node_[static_cast<std::size_t>(reply.place)];
    here.asked = false;
    here.is_exhausted = reply.begin == reply.end;
    here.spare_begin = reply.begin;
    here.spare_end = reply.end;
    wake(here.waiting);
  }

  void wake(std::vector<int>& waiting) {
    for (const int rank : std::exchange(waiting, {})) post({now_, What::worker_is_free, rank});
  }

  void claim(int rank) {
    const int node = rank / ranks_per_node;
    auto& here = node_[static_cast<std::size_t>(node)];
    if (here.begin == here.end) {
      here.begin = here.spare_begin;
      here.end = here.spare_end;
      here.spare_begin = here.spare_end = 0;
      ask(node, look());
      if (here.begin == here.end) {
        if (!here.is_exhausted) here.waiting.push_back(rank);
        return;
      }
    }
    compute(rank, plan_.any_chunk(here.begin++));
  }

  void claim_own(int rank) {
    auto& next = next_of_rank_[static_cast<std::size_t>(rank)];
    if (next < plan_.own_chunks(rank)) compute(rank, plan_.own_chunk(rank, next++));
  }

  void compute(int rank, const Chunk& chunk) {
    const auto since = room_.since(chunk.band);
    if (since < 0) {
      held_.push_back({rank, chunk});
      return;
    }
    double cost = claim_s;
    for (auto item = chunk.items.begin; item < chunk.items.end; ++item) cost += costs_[static_cast<std::size_t>(item)];
    post({std::max(now_, since) + cost, What::chunk_is_done, rank, chunk.band, 0});
  }

  void done(const Event& event) {
    end_ = std::max(end_, now_);
    if (room_.done(event.begin, now_)) {
      for (const auto& [rank, chunk] : std::exchange(held_, {})) compute(rank, chunk);
    }
    post({now_, What::worker_is_free, event.place});
  }

  const Plan& plan_;
  const std::vector<double>& costs_;
  Room room_;
  int nodes_;
  std::vector<Node> node_{static_cast<std::size_t>(nodes_)};
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<std::pair<int, Chunk>> held_;  ///< who waits for room
  std::vector<std::int64_t> next_of_rank_;
  std::int64_t next_ = 0;  ///< first chunk that no node has
  std::uint64_t looks_ = 0;
  double server_free_ = 0, now_ = 0, end_ = 0;
};

void print(std::int64_t rows, double mean_s, std::int64_t memory_limit) {
  const auto costs = row_costs(rows, mean_s);
  const auto all = std::accumulate(costs.begin(), costs.end(), 0.0);
  const auto largest = *std::max_element(costs.begin(), costs.end());
  fmt::print("{} rows of {} ms on average, the costliest {:.2f} times that; efficiency\n", rows, 1e3 * mean_s,
             largest / mean_s);
  fmt::print("{:>7} {:>9} {:>9} {:>9} {:>9} {:>9}   at best\n", "ranks", "block", "cyclic", "weighted", "dynamic",
             "bands");
  for (const int ranks : {64, 1024, 4096, 16'384}) {
    fmt::print("{:>7}", ranks);
    std::int64_t bands = 0;
    for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::weighted, Schedule::dynamic}) {
      PlanRequest request;
      request.items = rows;
      request.bytes_per_item = 2 * rows + 40;
      request.ranks = ranks;
      request.schedule = schedule;
      request.items_between_checks = 1;
      request.memory_limit = memory_limit;
      for (const auto item : sample_items(rows, ranks)) request.costs.push_back(costs[static_cast<std::size_t>(item)]);
      const Plan plan(request);
      bands = plan.bands();
      fmt::print(" {:>9.3f}", all / (ranks * Simulation(plan, costs).run()));
    }
    fmt::print(" {:>9}   {:.3f}\n", bands, all / (ranks * std::max(all / ranks, largest)));
  }
}

}  // namespace
}  // namespace paceline

int main(int argc, char** argv) {
  const double mean_ms = argc > 1 ? std::atof(argv[1]) : 20;
  const std::int64_t rows = argc > 2 ? std::atoll(argv[2]) : 65'536;
  const std::int64_t memory_mib = argc > 3 ? std::atoll(argv[3]) : 512;
  paceline::print(rows, 1e-3 * mean_ms, memory_mib << 20);
  return 0;
}
