#include "engine/dispenser.hpp"

#include <utility>

namespace paceline {
namespace {

// A piece of chunks as one atomic word; a plan has fewer than 2^32 - 2 chunks.
constexpr std::uint64_t pack(std::int64_t begin, std::int64_t end) {
  return static_cast<std::uint64_t>(begin) << 32 | static_cast<std::uint64_t>(end);
}
constexpr std::int64_t begin_of(std::uint64_t word) { return static_cast<std::int64_t>(word >> 32); }
constexpr std::int64_t end_of(std::uint64_t word) { return static_cast<std::int64_t>(word & 0xffffffffU); }

// Values of NodeState::Shared::spare that no piece has.
constexpr std::uint64_t nothing = 0;
constexpr std::uint64_t moving = ~std::uint64_t{0};  // one thread is making it current
constexpr std::uint64_t exhausted = moving - 1;

constexpr int request_tag = 1;
constexpr int reply_tag = 2;

/// Counts a thread from the time it begins to wait until it has what it waits for.
class Waits {
 public:
  explicit Waits(std::atomic<std::int64_t>& waiting) : waiting_(waiting) {}
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;
  ~Waits() {
    if (has_begun_) --waiting_;
  }
  void begin() {
    if (!std::exchange(has_begun_, true)) ++waiting_;
  }

 private:
  std::atomic<std::int64_t>& waiting_;
  bool has_begun_ = false;
};

}  // namespace

OwnDispenser::OwnDispenser(const Plan& plan, int rank)
    : plan_(plan),
      rank_(rank),
      threads_(plan.request().threads),
      parts_(static_cast<std::size_t>(plan.bands() * threads_)),
      places_(static_cast<std::size_t>(threads_)) {
  const auto chunks = plan.own_chunks(rank);
  for (std::int64_t band = 0, first = 0; band < plan.bands(); ++band) {
    auto last = first;
    while (last < chunks && plan.own_chunk(rank, last).band == band) ++last;
    for (int thread = 0; thread < threads_; ++thread) {
      auto& part = parts_[static_cast<std::size_t>(band * threads_ + thread)];
      const auto own = even_part({first, last}, thread, threads_);
      part.next = own.begin;
      part.end = own.end;
    }
    first = last;
  }
}

std::optional<Chunk> OwnDispenser::claim(int thread) {
  for (auto& band = places_[static_cast<std::size_t>(thread)].band; band < plan_.bands(); ++band) {
    for (int k = 0; k < threads_; ++k) {
      auto& part = parts_[static_cast<std::size_t>(band * threads_ + (thread + k) % threads_)];
      if (part.next.load(std::memory_order_relaxed) >= part.end) continue;
      const auto index = part.next.fetch_add(1, std::memory_order_relaxed);
      if (index < part.end) return plan_.own_chunk(rank_, index);
    }
  }
  return std::nullopt;
}

SharedDispenser::SharedDispenser(const Plan& plan, const Comm& world, const NodeState& node_state, Workers workers)
    : plan_(plan),
      node_state_(node_state),
      leaders_(world.split(node_state.node().rank() == 0 ? std::optional(0) : std::nullopt)) {
  nodes_ = world.reduce_all(leaders_ ? leaders_->size() : 0, MPI_MAX);
  const int mine = workers == Workers::some ? 1 : 0;
  const bool is_idle_node = node_state.node().reduce_all(mine, MPI_MAX) == 0;
  const bool asks = leaders_ && leaders_->rank() != 0 && !is_idle_node;
  askers_ = world.reduce_all(asks ? 1 : 0, MPI_SUM);
  all_gone_ = is_idle_node;
  const auto takers = node_state.node().reduce_all(mine, MPI_SUM);
  if (leaders_) {
    const auto threads = std::int64_t{node_state.node().size()} * plan.request().threads;
    std::vector<int> takers_of_nodes;
    for (const auto& node : leaders_->gather_all(std::vector<int>{takers})) takers_of_nodes.push_back(node.front());
    if (leaders_->rank() == 0) supply_.emplace(plan, std::move(takers_of_nodes));
    demand_.emplace(plan, nodes_, threads);
  }
  if (node_state.node().rank() == 0) {
    auto& shared = node_state.shared();
    shared.current = nodes_ == 1 ? pack(0, plan.all_chunks()) : pack(0, 0);
    // What was brought to a node without workers would stay there.
    shared.spare = nodes_ == 1 || is_idle_node ? exhausted : nothing;
  }
  node_state.node().barrier();
}

SharedDispenser::~SharedDispenser() = default;

/// The node's next chunk, if there is one and this rank has room for it.
SharedDispenser::Taking SharedDispenser::take(std::int64_t& index) {
  auto& current = node_state_.shared().current;
  std::unique_lock lock(mutex_, std::defer_lock);
  if (plan_.limits_room()) lock.lock();
  auto word = current.load();
  do {
    if (begin_of(word) >= end_of(word)) return Taking::none;
    index = begin_of(word);
    if (!lock) continue;
    const auto band = plan_.band_of_chunk(index);
    if (band == band_ && held_ >= plan_.room_chunks()) return Taking::no_room;
  } while (!current.compare_exchange_weak(word, pack(index + 1, end_of(word))));
  if (lock) {
    // Chunks come in order on a node: of a band that was left nothing comes any more.
    const auto band = plan_.band_of_chunk(index);
    if (band != std::exchange(band_, band)) held_ = 0;
    ++held_;
  }
  return Taking::done;
}

std::optional<Chunk> SharedDispenser::claim(int /*thread*/) {
  auto& shared = node_state_.shared();
  Waits waits(shared.waiting);
  Backoff backoff;
  for (;;) {
    std::int64_t index = 0;
    const auto taking = take(index);
    if (taking == Taking::done) return plan_.any_chunk(index);
    if (taking == Taking::no_room) {
      // Others of this node have room for the rest of the band.
      if (node_state_.stopping_for_signals()) return std::nullopt;
      node_state_.beat();
      backoff.wait();
      continue;
    }
    auto word = shared.current.load();
    auto spare = shared.spare.load();
    if (spare == exhausted) {
      // What became current just before the end was announced still counts.
      word = shared.current.load();
      if (begin_of(word) >= end_of(word)) return std::nullopt;
    } else if (spare == nothing || spare == moving) {
      if (node_state_.stopping()) return std::nullopt;
      node_state_.beat();
      waits.begin();
      backoff.wait();
    } else if (shared.spare.compare_exchange_strong(spare, moving)) {
      // Only who holds `moving` may refill; another thread may have done so since `word` was read.
      word = shared.current.load();
      const bool is_empty = begin_of(word) >= end_of(word);
      if (is_empty) shared.current.store(spare);
      shared.spare.store(is_empty ? nothing : spare);
    }
  }
}

/// Nothing: not yet.
std::optional<Slab> SharedDispenser::next_piece(int node, Wanted wanted) {
  return node_state_.stopping() ? Slab{} : supply_->next(node, wanted);
}

void SharedDispenser::answer_requests() {
  for (;;) {
    int waiting = 0;
    MPI_Status status;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, request_tag, leaders_->handle(), &waiting, &status), "MPI_Iprobe");
    if (waiting == 0) break;
    Request request{status.MPI_SOURCE, {}};
    check_mpi(MPI_Recv(&request.wanted, sizeof request.wanted, MPI_BYTE, request.node, request_tag, leaders_->handle(),
                       MPI_STATUS_IGNORE),
              "MPI_Recv");
    requests_.push_back(request);
  }
  std::erase_if(requests_, [&](const Request& request) {
    const auto piece = next_piece(request.node, request.wanted);
    if (!piece) return false;
    if (piece->empty()) ++told_all_gone_;
    // 16 bytes go out eagerly: the asking thread has its receive posted.
    check_mpi(MPI_Send(&*piece, sizeof *piece, MPI_BYTE, request.node, reply_tag, leaders_->handle()), "MPI_Send");
    return true;
  });
}

std::optional<Wanted> SharedDispenser::wanted() {
  // Whoever stops claims no more, but has to hear of the end.
  if (node_state_.stopping()) return Wanted{1, 0};
  const auto& shared = node_state_.shared();
  const auto word = shared.current.load();
  const auto left = end_of(word) - begin_of(word);
  return demand_->at(since_start_.seconds(), arrived_ - left, left, shared.waiting.load(), fetched_.end);
}

void SharedDispenser::fetch_ahead() {
  auto& spare = node_state_.shared().spare;
  if (asked_) {
    int done = 0;
    check_mpi(MPI_Test(&reply_, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done == 0) return;
    asked_ = false;
    demand_->answered(since_start_.seconds());
  } else {
    if (all_gone_ || spare.load() != nothing) return;
    const auto chunks = wanted();
    if (!chunks) return;
    if (leaders_->rank() != 0) {
      check_mpi(MPI_Irecv(&fetched_, sizeof fetched_, MPI_BYTE, 0, reply_tag, leaders_->handle(), &reply_),
                "MPI_Irecv");
      check_mpi(MPI_Send(&*chunks, sizeof *chunks, MPI_BYTE, 0, request_tag, leaders_->handle()), "MPI_Send");
      asked_ = true;
      return;
    }
    const auto piece = next_piece(0, *chunks);
    if (!piece) return;
    fetched_ = *piece;
  }
  all_gone_ = fetched_.empty();
  arrived_ += fetched_.size();
  spare.store(all_gone_ ? exhausted : pack(fetched_.begin, fetched_.end));
}

void SharedDispenser::serve() {
  if (nodes_ == 1 || !leaders_) return;
  if (leaders_->rank() == 0) answer_requests();
  fetch_ahead();
  // Threads that stop leave the spare piece where it is; its place is needed to learn of the end.
  if (node_state_.stopping() && !all_gone_ && !asked_) node_state_.shared().spare.store(nothing);
}

bool SharedDispenser::served() const {
  if (nodes_ == 1 || !leaders_) return true;
  if (leaders_->rank() == 0 && told_all_gone_ < askers_) return false;
  return all_gone_;
}

std::unique_ptr<Dispenser> make_dispenser(const Plan& plan, const Comm& world, const NodeState& node_state,
                                          Workers workers) {
  if (plan.hands_out_chunks()) {
    return std::make_unique<SharedDispenser>(plan, world, node_state, workers);
  }
  return std::make_unique<OwnDispenser>(plan, world.rank());
}

}  // namespace paceline
