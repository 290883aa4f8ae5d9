// How nodes are supplied with chunks that are handed out: the rules of SharedDispenser, without MPI and clocks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/plan.hpp"

namespace paceline {

/// What a node asks for, in chunks.
struct Wanted {
  std::int64_t now = 0;    ///< for threads that wait
  std::int64_t ahead = 0;  ///< 1: some more, too, so that no thread has to wait
};

/// What rank 0 has left of all chunks.
class Supply {
 public:
  /// `takers`: of each node, the ranks that compute.
  Supply(const Plan& plan, std::vector<int> takers);

  /// A piece for a node. Empty: all are handed out. Nothing: its ranks have no room for more of this band, and it is to
  /// be asked again; other nodes have room for the rest.
  std::optional<Slab> next(int node, Wanted wanted);

 private:
  const Plan& plan_;
  std::vector<int> takers_;
  std::int64_t next_ = 0;            ///< first chunk that no node has
  std::int64_t band_ = -1;           ///< of the last piece
  std::vector<std::int64_t> given_;  ///< to each node, of that band
};

/// When a node asks, and for how much. A chunk that lies there while all are busy is begun late, by about the time that
/// one takes, which is lost if few are left for each worker; one that is asked for when it is needed costs the time
/// until the answer, which is lost if chunks are short.
class Demand {
 public:
  /// `workers`: threads of this node.
  Demand(const Plan& plan, int nodes, std::int64_t workers);

  /// Nothing: there is no need yet. Since the run began `claimed` chunks were claimed on this node, `left` lie there,
  /// `waiting` threads wait for some, and the last piece ended at `end`.
  std::optional<Wanted> at(double now_s, std::int64_t claimed, std::int64_t left, std::int64_t waiting,
                           std::int64_t end);
  /// What was asked for has come.
  void answered(double now_s);

 private:
  struct Mark {
    double at_s = 0;
    std::int64_t claimed = 0;
  };
  std::int64_t all_;
  std::int64_t nodes_;
  std::int64_t workers_;
  bool has_begun_ = false;
  double asked_at_s_ = 0;
  double answer_s_;       ///< from asking to the answer, smoothed
  Mark before_, recent_;  ///< the rate is that since `before_`
};

}  // namespace paceline
