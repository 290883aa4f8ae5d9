#include "engine/dispenser.hpp"

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
  if (node_state.node().rank() == 0) {
    auto& shared = node_state.shared();
    shared.current = nodes_ == 1 ? pack(0, plan.all_chunks()) : pack(0, 0);
    // What was brought to a node without workers would stay there.
    shared.spare = nodes_ == 1 || is_idle_node ? exhausted : nothing;
  }
  node_state.node().barrier();
}

SharedDispenser::~SharedDispenser() = default;

std::optional<Chunk> SharedDispenser::claim(int /*thread*/) {
  auto& shared = node_state_.shared();
  Backoff backoff;
  for (;;) {
    auto word = shared.current.load();
    if (begin_of(word) < end_of(word)) {
      if (shared.current.compare_exchange_weak(word, pack(begin_of(word) + 1, end_of(word)))) {
        return plan_.any_chunk(begin_of(word));
      }
      continue;
    }
    auto spare = shared.spare.load();
    if (spare == exhausted) {
      // What became current just before the end was announced still counts.
      word = shared.current.load();
      if (begin_of(word) >= end_of(word)) return std::nullopt;
    } else if (spare == nothing || spare == moving) {
      if (node_state_.stopping()) return std::nullopt;
      node_state_.beat();
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

SharedDispenser::Piece SharedDispenser::next_piece() {
  if (node_state_.stopping() || next_ >= plan_.all_chunks()) return {};
  const auto workers = static_cast<std::int64_t>(node_state_.node().size()) * plan_.request().threads;
  const auto size = plan_.node_piece(next_, nodes_, workers);
  next_ += size;
  return {next_ - size, next_};
}

void SharedDispenser::answer_requests() {
  for (;;) {
    int waiting = 0;
    MPI_Status status;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, request_tag, leaders_->handle(), &waiting, &status), "MPI_Iprobe");
    if (waiting == 0) return;
    check_mpi(MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, request_tag, leaders_->handle(), MPI_STATUS_IGNORE),
              "MPI_Recv");
    const auto piece = next_piece();
    if (piece.begin == piece.end) ++told_all_gone_;
    // 16 bytes go out eagerly: the asking thread has its receive posted.
    check_mpi(MPI_Send(&piece, sizeof piece, MPI_BYTE, status.MPI_SOURCE, reply_tag, leaders_->handle()), "MPI_Send");
  }
}

void SharedDispenser::fetch_ahead() {
  auto& spare = node_state_.shared().spare;
  if (asked_) {
    int done = 0;
    check_mpi(MPI_Test(&reply_, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done == 0) return;
    asked_ = false;
  } else {
    if (all_gone_ || spare.load() != nothing) return;
    if (leaders_->rank() != 0) {
      check_mpi(MPI_Irecv(&fetched_, sizeof fetched_, MPI_BYTE, 0, reply_tag, leaders_->handle(), &reply_),
                "MPI_Irecv");
      check_mpi(MPI_Send(nullptr, 0, MPI_BYTE, 0, request_tag, leaders_->handle()), "MPI_Send");
      asked_ = true;
      return;
    }
    fetched_ = next_piece();
  }
  all_gone_ = fetched_.begin == fetched_.end;
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
  if (plan.request().schedule == Schedule::dynamic) {
    return std::make_unique<SharedDispenser>(plan, world, node_state, workers);
  }
  return std::make_unique<OwnDispenser>(plan, world.rank());
}

}  // namespace paceline
