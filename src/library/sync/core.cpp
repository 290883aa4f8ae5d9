#include "library/sync/core.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstring>
#include <latch>
#include <random>

#include "library/sync/remote_service.hpp"

namespace paceline::sync {
namespace {

/// Cores that the ranks of this node may run on, all together.
int cores_of(const Comm& node) {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  sched_getaffinity(0, sizeof mine, &mine);
  std::vector<std::uint8_t> usable(CPU_SETSIZE);
  for (std::size_t i = 0; i < usable.size(); ++i) usable[i] = CPU_ISSET(i, &mine) ? 1 : 0;
  int cores = 0;
  for (const auto is_usable : node.reduce_all(usable, MPI_MAX)) cores += is_usable;
  return cores;
}

std::uint64_t random_key() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

std::string host_name() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return host;
}

}  // namespace

Core::Core(const Comm& comm, const Comm& node, const DomainOptions& options)
    : comm_(comm.duplicate()), node_(node.duplicate()), options_(options) {
  is_home_ = node_.reduce_all(comm_.rank(), MPI_MIN) == 0;
  for (const auto& each : comm_.gather_all(std::vector<std::uint8_t>{is_home_})) at_home_.push_back(each.front());
  hosts_ = comm_.gather_all_text(host_name());
  key_ = comm_.reduce_all(comm_.rank() == 0 ? random_key() : 0, MPI_MAX);
  const bool is_spread = comm_.reduce_all(is_home_ ? 1 : 0, MPI_MIN) == 0;
  int level = MPI_THREAD_SINGLE;
  check_mpi(MPI_Query_thread(&level), "MPI_Query_thread");
  agree(comm_, is_spread && level < MPI_THREAD_MULTIPLE
                   ? std::optional(Error(ErrorKind::failure, "shared state between nodes needs MPI_THREAD_MULTIPLE",
                                         "a thread of rank 0 answers the others while the rest of it does what it does",
                                         "make the MpiGuard with ThreadLevel::multiple"))
                   : std::nullopt);
  agree(comm_, options.threads_per_rank < 1 || options.threads_per_rank > (1 << 30) / comm_.size()
                   ? std::optional(Error(ErrorKind::failure, fmt::format("DomainOptions::threads_per_rank can't be {}",
                                                                         options.threads_per_rank)))
                   : std::nullopt);

  const auto ranks = static_cast<std::size_t>(comm_.size());
  const auto threads = static_cast<std::size_t>(options.threads_per_rank);
  slots_ = std::make_shared<ThreadSlots>(options.threads_per_rank,
                                         static_cast<AgentId>(comm_.rank() * options.threads_per_rank));
  if (is_home_) {
    // There is room for many threads, of which few come. A thread clears its part when it comes.
    memory_ = std::make_unique<NodeMemory>(
        node_, sizeof(Header) + ranks * sizeof(Life) + ranks * threads * sizeof(Agent), NodeMemory::Content::fresh);
    header_ = reinterpret_cast<Header*>(memory_->data());
    lives_ = reinterpret_cast<Life*>(header_ + 1);
    agents_ = reinterpret_cast<Agent*>(lives_ + ranks);
    slots_->agents = agents_;
    if (comm_.rank() == 0) {
      std::memset(memory_->data(), 0, sizeof(Header) + ranks * sizeof(Life));
      header_->graph.initialise();
      for (std::size_t rank = 0; rank < ranks; ++rank) lives_[rank].alive.initialise();
    }
    // Spinning helps only where those who are waited for run meanwhile.
    const int cores = cores_of(node_);
    spins_ = cores > 1 && cores >= node_.size();
    node_.barrier();
  }
  if (is_spread) remote_ = std::make_unique<RemoteService>(*this);

  // Signals are for the threads of the program.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::latch is_alive(1);
  living_ = std::jthread([this, &is_alive](const std::stop_token& stop) {
    if (is_home_) life(comm_.rank()).alive.lock();
    is_alive.count_down();
    live(stop);
    if (is_home_) life(comm_.rank()).alive.unlock();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  is_alive.wait();
  tell_of_finalise();
  comm_.barrier();
}

// MPI_Finalize gives back what belongs to MPI_COMM_SELF first, which is how libraries learn of it (MPI 3.1, 8.7.1).
void Core::tell_of_finalise() {
  const auto told = [](MPI_Comm, int, void* core, void*) {
    auto& self = *static_cast<Core*>(core);
    if (self.is_forgotten_) return MPI_SUCCESS;
    if (self.is_home_) self.life(self.comm_.rank()).status = Life::finalised;
    self.stop_living();
    self.forget();
    return MPI_SUCCESS;
  };
  check_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, told, &finalise_key_, nullptr), "MPI_Comm_create_keyval");
  check_mpi(MPI_Comm_set_attr(MPI_COMM_SELF, finalise_key_, this), "MPI_Comm_set_attr");
}

// What is collective to give back can't be any more: it goes with the process.
void Core::forget() {
  is_forgotten_ = true;
  {
    const std::lock_guard lock(slots_->mutex);
    slots_->agents = nullptr;
  }
  [[maybe_unused]] const auto* memory = memory_.release();
  for (auto& block : blocks_) [[maybe_unused]] const auto* leaked = block.release();
}

void Core::stop_living() {
  living_.request_stop();
  if (living_.joinable()) living_.join();
}

Core::~Core() {
  if (is_forgotten_) return;
  if (is_home_) life(comm_.rank()).status = Life::left;
  const bool is_orderly = std::uncaught_exceptions() == 0;
  if (is_orderly) comm_.barrier();
  if (remote_) remote_->close(is_orderly);
  stop_living();
  const bool already_forgotten = is_forgotten_;
  is_forgotten_ = true;
  MPI_Comm_delete_attr(MPI_COMM_SELF, finalise_key_);
  MPI_Comm_free_keyval(&finalise_key_);
  is_forgotten_ = already_forgotten;
  if (is_orderly) {
    const std::lock_guard lock(slots_->mutex);
    slots_->agents = nullptr;
  } else {
    forget();
  }
}

void Core::live(const std::stop_token& stop) {
  if (remote_ && (comm_.rank() == 0 || !is_home_)) return remote_->live(stop);
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
}

ObjectState& Core::state(ObjectId object) const {
  return *reinterpret_cast<ObjectState*>(blocks_[object / slots_in_block]->memory->data() +
                                         object % slots_in_block * ObjectState::slot);
}

std::byte* Core::more_of(ObjectId object) const {
  return blocks_[object / slots_in_block]->more[object % slots_in_block]->data();
}

ObjectId Core::reserve() {
  if (free_.empty()) return next_++;
  const auto object = free_.back();
  free_.pop_back();
  return object;
}

ObjectId Core::create(Kind kind, const std::string& name, const Start& start) {
  agree(comm_, start.problem);
  // Collective calls that got out of step would otherwise be found much later, if ever.
  const auto same =
      static_cast<std::int64_t>(std::hash<std::string>()(fmt::format("{} {}", static_cast<int>(kind), name)));
  const auto ends = comm_.reduce_all(std::vector<std::int64_t>{same, ~same}, MPI_MIN);
  if (ends[0] != ~ends[1]) {
    throw AgreedError(Error(ErrorKind::failure, "ranks make different shared objects at the same time",
                            fmt::format("rank {} makes \"{}\"", comm_.rank(), name),
                            "make them in the same order on all ranks"));
  }
  if (free_.empty() && next_ == slots_in_block * most_blocks) {
    throw AgreedError(Error(ErrorKind::failure, fmt::format("a domain has room for {} objects", next_)));
  }
  const auto object = reserve();
  if (is_home_) {
    auto& block = blocks_[object / slots_in_block];
    if (!block) {
      block = std::make_unique<Slots>();
      block->memory = std::make_unique<NodeMemory>(node_, slots_in_block * ObjectState::slot);
      block->more.resize(slots_in_block);
    }
    auto& more = block->more[object % slots_in_block];
    const auto bytes = start.more_bytes;
    more = bytes == 0 ? nullptr : std::make_unique<NodeMemory>(node_, bytes, NodeMemory::Content::fresh);
    if (comm_.rank() == 0) initialise(object, kind, name, start);
  }
  comm_.barrier();
  return object;
}

void Core::initialise(ObjectId object, Kind kind, const std::string& name, const Start& start) const {
  auto& here = state(object);
  std::memset(static_cast<void*>(&here), 0, ObjectState::slot);
  here.mutex.initialise();
  here.kind = kind;
  name.copy(here.name, sizeof here.name - 1);
  type_of(kind).initialise(here, start.first, start.second);
}

void Core::destroy(ObjectId object) {
  if (is_forgotten_ || std::uncaught_exceptions() != 0) return;
  auto& mine = slot();
  Operation leaving;
  leaving.call = {Kind::leaving, 1, mine.agent};
  if (mine.held != 0) perform(leaving);
  comm_.barrier();
  leaving.call.verb = 0;
  if (mine.held != 0) perform(leaving);
  if (is_home_) blocks_[object / slots_in_block]->more[object % slots_in_block].reset();
  free_.push_back(object);
}

void Core::perform(Operation& op) {
  if (!is_home_) {
    remote_->ask(op);
  } else if (type_of(op.call.kind).start(*this, op) == Step::waiting) {
    wait(op);
  }
  if (op.status == Status::failed) throw Error::told(ErrorKind::failure, op.error);
}

void Core::wait(Operation& op) {
  using Clock = std::chrono::steady_clock;
  using namespace std::chrono_literals;
  const auto& type = type_of(op.call.kind);
  const auto begin = Clock::now();
  // As long as it takes to be woken (Karlin, Li, Manasse and Owicki, SOSP 1991): shorter, and two that take turns would
  // send each other to sleep every time.
  while (spins_ && !op.is_rung() && Clock::now() - begin < 20us) {
    for (int i = 0; i < 16 && !op.is_rung(); ++i) relax();
  }
  if (op.is_rung() && type.resume(*this, op) == Step::done) return;
  const auto limit = std::chrono::nanoseconds(op.call.timeout);
  Clock::duration slice = 5ms;
  for (auto next_look = begin + slice;;) {
    if (op.is_rung()) {
      if (type.resume(*this, op) == Step::done) return;
      continue;
    }
    const auto now = Clock::now();
    if (op.call.timeout >= 0 && now - begin >= limit) return type.cancel(*this, op);
    if (now >= next_look) {
      type.check(*this, op, now - begin);
      if (!op.error.empty()) {
        type.cancel(*this, op);
        if (op.status == Status::timed_out) op.status = Status::failed;
        return;
      }
      slice = std::min<Clock::duration>(2 * slice, 100ms);
      next_look = now + slice;
      continue;
    }
    const auto until_look = next_look - now;
    op.bell->sleep(op.silent,
                   op.call.timeout >= 0 ? std::min<Clock::duration>(until_look, begin + limit - now) : until_look);
  }
}

std::uint32_t Core::take_ended() const {
  const std::lock_guard lock(slots_->mutex);
  if (slots_->ended.empty()) return 0;
  const auto agent = slots_->ended.back();
  slots_->ended.pop_back();
  return agent + 1;
}

std::string Core::name_of(AgentId agent_id) const {
  const auto thread = static_cast<int>(agent_id) % options_.threads_per_rank;
  return thread == 0 ? fmt::format("rank {}", rank_of(agent_id))
                     : fmt::format("rank {} thread {}", rank_of(agent_id), thread);
}

std::string Core::name_with_host(int rank) const {
  return fmt::format("rank {} on {}", rank, hosts_[static_cast<std::size_t>(rank)]);
}

ObjectLock::ObjectLock(ObjectState& state) : state_(state) {
  if (state.mutex.lock() == RobustMutex::Taken::from_the_dead) {
    state.broken = 1;
    state.mutex.mend();
  }
  if (state.broken != 0) {
    state.mutex.unlock();
    throw Error(ErrorKind::failure, fmt::format("{} is of no more use", title_of(state)),
                "a rank died while it changed it");
  }
}

std::string title_of(const ObjectState& state) {
  return fmt::format("{} \"{}\"", type_of(state.kind).name(), state.name);
}

}  // namespace paceline::sync
