// Dispensers hand chunks to threads. claim() is called by compute threads and never by MPI's rules waits for another
// rank's MPI calls; serve() is called by the one thread of a rank that talks to MPI.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/node_state.hpp"
#include "engine/plan.hpp"
#include "engine/supply.hpp"
#include "host/clock.hpp"

namespace paceline {

/// Whether a rank claims anything at all.
enum class Workers { none, some };

class Dispenser {
 public:
  virtual ~Dispenser() = default;
  /// The next chunk for thread `thread` of this rank, bands in non-decreasing order; nothing when all are handed out.
  virtual std::optional<Chunk> claim(int thread) = 0;
  /// Keeps other nodes supplied. Returns at once.
  virtual void serve() {}
  /// True once no other node may ask again: only then may the serving thread leave.
  [[nodiscard]] virtual bool served() const { return true; }
};

/// Block, cyclic and weighted: the rank's own chunks, shared by its threads. A thread takes first what lies in its own
/// part of a band, in memory that it has touched first, and then helps its neighbours.
class OwnDispenser : public Dispenser {
 public:
  OwnDispenser(const Plan& plan, int rank);
  std::optional<Chunk> claim(int thread) override;

 private:
  struct Part {
    std::atomic<std::int64_t> next{0};  ///< as numbers of own chunks
    std::int64_t end = 0;
  };
  struct alignas(64) Place {
    std::int64_t band = 0;
  };
  const Plan& plan_;
  int rank_;
  int threads_;
  std::vector<Part> parts_;    ///< a row per band, a part a thread
  std::vector<Place> places_;  ///< the band that a thread is in
};

/// Chunks that are handed out: threads of all ranks of a node take them from a counter in shared memory. Between nodes
/// the first rank of each fetches pieces ahead of need from rank 0, whose own MPI thread answers while its others
/// compute. See supply.hpp for when and how much. A rank that is full of a band leaves the rest of it to others.
class SharedDispenser : public Dispenser {
 public:
  /// Collective over `world`; `node_state` belongs to this rank's node.
  SharedDispenser(const Plan& plan, const Comm& world, const NodeState& node_state, Workers workers = Workers::some);
  ~SharedDispenser() override;
  std::optional<Chunk> claim(int thread) override;
  void serve() override;
  [[nodiscard]] bool served() const override;

 private:
  enum class Taking { done, none, no_room };
  Taking take(std::int64_t& index);
  std::optional<Slab> next_piece(int node, Wanted wanted);
  void answer_requests();
  /// How many chunks this node should request from rank 0; nothing: it needs none yet.
  std::optional<Wanted> wanted();
  void fetch_ahead();

  const Plan& plan_;
  const NodeState& node_state_;
  std::optional<Comm> leaders_;  ///< the first ranks of all nodes; nothing on other ranks
  int nodes_ = 1;
  struct Request {
    int node = 0;
    Wanted wanted;
  };
  std::optional<Supply> supply_;   ///< on rank 0
  std::vector<Request> requests_;  ///< on rank 0: not answered yet
  int askers_ = 0;                 ///< on rank 0: other nodes that have workers
  int told_all_gone_ = 0;          ///< on rank 0: those of them that know that nothing is left
  bool all_gone_ = false;          ///< on a leader: rank 0 has said that no chunk is left, or this node has no workers
  bool asked_ = false;
  MPI_Request reply_ = MPI_REQUEST_NULL;
  Slab fetched_;
  std::optional<Demand> demand_;  ///< on a leader
  std::int64_t arrived_ = 0;      ///< on a leader: chunks so far
  Stopwatch since_start_;
  // Of this rank, where the plan limits its room.
  std::mutex mutex_;
  std::int64_t band_ = -1;  ///< that it took from last
  std::int64_t held_ = 0;   ///< chunks of it
};

std::unique_ptr<Dispenser> make_dispenser(const Plan& plan, const Comm& world, const NodeState& node_state,
                                          Workers workers = Workers::some);

}  // namespace paceline
