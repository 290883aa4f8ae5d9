// A run of many ranks in which only time is made up: who gets which chunk, and when there is room for it, is decided by
// the real Plan, Supply and Demand.
#pragma once

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "engine/plan.hpp"
#include "engine/supply.hpp"

namespace paceline {

inline constexpr double us = 1e-6;

/// What is made up.
struct Machine {
  int ranks_per_node = 64;
  double latency_s = 2 * us;  // between nodes
  double service_s = 1 * us;  // rank 0, for each request
  double look_s = 200 * us;   // longest sleep between two looks, of writing threads and of those that wait
  double claim_s = 0.1 * us;
  double write_s = 1000 * us;  // of a band, from its last item to its room being free
};

/// Spread evenly over [0, 1), the same in every run.
inline double fraction(std::uint64_t k) { return static_cast<double>(k * 0x9e3779b97f4a7c15U >> 11) * 0x1p-53; }

/// Bands as Bands has them: a band has room once the one three before it is written.
class Room {
 public:
  Room(const Plan& plan, double write_s)
      : write_s_(write_s), left_(static_cast<std::size_t>(plan.bands()), 0), free_(left_.size() + 1, 0) {}
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
      free_[static_cast<std::size_t>(released_++)] = std::max(now, last) + write_s_;
    }
    return released_ > before;
  }

 private:
  double write_s_;
  std::vector<std::int64_t> left_;
  std::vector<double> free_;
  std::int64_t released_ = 0;
};

enum class What { worker_is_free, chunk_is_done, look, request, reply };
struct Event {
  double at = 0;
  What what = What::worker_is_free;
  int place = 0;  ///< a rank, or a node
  std::int64_t begin = 0, end = 0;
  friend bool operator>(const Event& a, const Event& b) { return a.at > b.at; }
};

class Simulation {
 public:
  Simulation(const Plan& plan, const std::vector<double>& costs, const Machine& machine = {})
      : plan_(plan),
        costs_(costs),
        machine_(machine),
        room_(plan, machine.write_s),
        nodes_((plan.request().ranks + machine.ranks_per_node - 1) / machine.ranks_per_node),
        workers_(std::min(machine.ranks_per_node, plan.request().ranks)),
        supply_(plan, std::vector<int>(static_cast<std::size_t>(nodes_), static_cast<int>(workers_))) {}

  /// Seconds until the last rank is done.
  double run() {
    const bool is_handed_out = plan_.hands_out_chunks();
    if (is_handed_out) {
      for (std::int64_t k = 0; k < plan_.all_chunks(); ++k) room_.expect(plan_.any_chunk(k).band, 1);
      if (nodes_ == 1) {
        node_.front().end = plan_.all_chunks();
        node_.front().is_exhausted = true;
      }
      for (int node = 0; node < nodes_ && nodes_ > 1; ++node) post({look(), What::look, node});
    } else {
      for (int rank = 0; rank < plan_.request().ranks; ++rank) {
        for (std::int64_t k = 0; k < plan_.own_chunks(rank); ++k) room_.expect(plan_.own_chunk(rank, k).band, 1);
      }
    }
    for (int rank = 0; rank < plan_.request().ranks; ++rank) post({0, What::worker_is_free, rank});
    while (!events_.empty()) {
      const auto event = events_.top();
      events_.pop();
      now_ = event.at;
      switch (event.what) {
        case What::worker_is_free: is_handed_out ? claim(event.place) : claim_own(event.place); break;
        case What::chunk_is_done: done(event); break;
        case What::look: look_around(event.place); break;
        case What::request: answer(event); break;
        case What::reply: fill(event); break;
      }
    }
    return end_;
  }

 private:
  struct Node {
    explicit Node(const Demand& of) : demand(of) {}
    std::int64_t begin = 0, end = 0;              ///< current chunks
    std::int64_t spare_begin = 0, spare_end = 0;  ///< for when they are gone
    std::int64_t arrived = 0;
    bool asked = false, is_exhausted = false;
    std::vector<int> waiting;
    std::int64_t last_end = 0;  ///< of the last piece
    Demand demand;
  };
  struct Rank {
    std::int64_t next = 0;             ///< of its own chunks
    std::int64_t band = -1, held = 0;  ///< chunks of the band that it took from last
  };

  void post(Event event) { events_.push(event); }
  double look() { return machine_.look_s * fraction(++looks_); }
  Node& node(int number) { return node_[static_cast<std::size_t>(number)]; }

  /// A leader's writing thread.
  void look_around(int number) {
    auto& here = node(number);
    if (here.is_exhausted) return;
    post({now_ + machine_.look_s, What::look, number});
    if (here.asked || here.spare_begin < here.spare_end) return;
    const auto left = here.end - here.begin;
    const auto wanted = here.demand.at(now_, here.arrived - left, left, std::ssize(here.waiting), here.last_end);
    if (!wanted) return;
    here.asked = true;
    post({now_ + (number > 0 ? machine_.latency_s + look() : 0), What::request, number, wanted->now, wanted->ahead});
  }

  /// Rank 0 looks now and then, and answers one after the other.
  void answer(const Event& request) {
    const auto piece = supply_.next(request.place, {request.begin, request.end});
    if (!piece) return post({now_ + machine_.look_s, What::request, request.place, request.begin, request.end});
    server_free_ = std::max(server_free_, now_) + machine_.service_s;
    const auto way = request.place > 0 ? machine_.latency_s + look() : 0;
    post({server_free_ + way, What::reply, request.place, piece->begin, piece->end});
  }

  void fill(const Event& reply) {
    auto& here = node(reply.place);
    here.asked = false;
    here.demand.answered(now_);
    here.is_exhausted = reply.begin == reply.end;
    here.arrived += reply.end - reply.begin;
    here.last_end = reply.end;
    here.spare_begin = reply.begin;
    here.spare_end = reply.end;
    for (const int rank : std::exchange(here.waiting, {})) post({now_ + look(), What::worker_is_free, rank});
  }

  void claim(int rank) {
    auto& here = node(rank / machine_.ranks_per_node);
    if (here.begin == here.end) {
      here.begin = std::exchange(here.spare_begin, 0);
      here.end = std::exchange(here.spare_end, 0);
      if (here.begin == here.end) {
        if (!here.is_exhausted) here.waiting.push_back(rank);
        return;
      }
    }
    auto& mine = ranks_[static_cast<std::size_t>(rank)];
    const auto band = plan_.band_of_chunk(here.begin);
    if (band != std::exchange(mine.band, band)) mine.held = 0;
    if (plan_.limits_room() && mine.held >= plan_.room_chunks())
      return post({now_ + machine_.look_s, What::worker_is_free, rank});
    ++mine.held;
    compute(rank, plan_.any_chunk(here.begin++));
  }

  void claim_own(int rank) {
    auto& next = ranks_[static_cast<std::size_t>(rank)].next;
    if (next < plan_.own_chunks(rank)) compute(rank, plan_.own_chunk(rank, next++));
  }

  void compute(int rank, const Chunk& chunk) {
    const auto since = plan_.goes_by_bands() ? room_.since(chunk.band) : 0;
    if (since < 0) {
      held_.push_back({rank, chunk});
      return;
    }
    double cost = machine_.claim_s;
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
  Machine machine_;
  Room room_;
  int nodes_;
  std::int64_t workers_;
  Supply supply_;
  std::vector<Node> node_ = std::vector<Node>(static_cast<std::size_t>(nodes_), Node(Demand(plan_, nodes_, workers_)));
  std::vector<Rank> ranks_{static_cast<std::size_t>(plan_.request().ranks)};
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<std::pair<int, Chunk>> held_;  ///< who waits for room
  std::uint64_t looks_ = 0;
  double server_free_ = 0, now_ = 0, end_ = 0;
};

}  // namespace paceline
