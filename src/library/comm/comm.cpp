#include <paceline/comm.hpp>
#include <paceline/probed_wait.hpp>

#include <sys/prctl.h>

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <thread>

namespace paceline {

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ErrorKind::failure, fmt::format("{} failed", call), std::string(text, static_cast<std::size_t>(length)));
}

namespace {

std::atomic<bool> is_unfinalised{false};

/// MPI can't be called any more, or must not be.
bool is_over() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  return finalized != 0 || is_unfinalised;
}

}  // namespace

MpiGuard::MpiGuard(int& argc, char**& argv, ThreadLevel level) {
  // Open MPI 4.1 crashes or fails in windows with its rdma component on ordinary networks.
  setenv("OMPI_MCA_osc", "^rdma", 0);
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(&argc, &argv, static_cast<int>(level), &provided), "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  if (provided < static_cast<int>(level)) {
    throw AgreedError(Error(ErrorKind::failure,
                            fmt::format("this MPI library offers no MPI_THREAD_{}",
                                        level == ThreadLevel::multiple ? "MULTIPLE" : "SERIALIZED"),
                            fmt::format("thread level {}", provided),
                            "use an MPI library that was built with thread support"));
  }
}

void leave_unfinalised() { is_unfinalised = true; }

MpiGuard::~MpiGuard() {
  if (!is_over() && std::uncaught_exceptions() == exceptions_at_start_) MPI_Finalize();
}

Comm::Comm(MPI_Comm handle, bool owned)
    : handle_(new MPI_Comm(handle), [owned](MPI_Comm* comm) {
        if (owned && !is_over()) MPI_Comm_free(comm);
        delete comm;
      }) {
  MPI_Comm_set_errhandler(handle, MPI_ERRORS_RETURN);
  check_mpi(MPI_Comm_rank(handle, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(handle, &size_), "MPI_Comm_size");
}

Comm Comm::world() { return {MPI_COMM_WORLD, false}; }

Comm Comm::duplicate() const {
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(handle(), &copy), "MPI_Comm_dup");
  return {copy, true};
}

Comm Comm::split_node() const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(handle(), MPI_COMM_TYPE_SHARED, rank(), MPI_INFO_NULL, &part), "MPI_Comm_split_type");
  return {part, true};
}

std::optional<Comm> Comm::split(std::optional<int> colour) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(handle(), colour.value_or(MPI_UNDEFINED), rank(), &part), "MPI_Comm_split");
  if (part == MPI_COMM_NULL) return std::nullopt;
  return Comm(part, true);
}

std::vector<std::uint64_t> Comm::extremes_of_all(const std::vector<std::uint64_t>& values, MPI_Op op) const {
  // Turning the highest bit over keeps the order: the least becomes the most negative.
  constexpr auto highest = std::uint64_t{1} << 63;
  std::vector<std::int64_t> ordered;
  for (const auto value : values) ordered.push_back(static_cast<std::int64_t>(value ^ highest));
  std::vector<std::uint64_t> found;
  for (const auto value : reduce_all(ordered, op)) found.push_back(static_cast<std::uint64_t>(value) ^ highest);
  return found;
}

void Comm::barrier() const { check_mpi(MPI_Barrier(handle()), "MPI_Barrier"); }

std::vector<std::vector<std::byte>> Comm::gather_all_bytes(const std::vector<std::byte>& mine) const {
  const auto count = static_cast<std::size_t>(size());
  std::vector<std::int64_t> sizes(count);
  const auto my_size = static_cast<std::int64_t>(mine.size());
  check_mpi(MPI_Allgather(&my_size, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, handle()), "MPI_Allgather");
  std::vector<std::vector<std::byte>> all(count);
  // One broadcast a rank in pieces that an int can count: these are tables, not results, and any size must work.
  constexpr std::int64_t piece = std::int64_t{1} << 30;
  for (std::size_t r = 0; r < count; ++r) {
    all[r] = static_cast<int>(r) == rank() ? mine : std::vector<std::byte>(static_cast<std::size_t>(sizes[r]));
  }
  const auto largest = *std::max_element(sizes.begin(), sizes.end());
  if (largest * size() < piece) {
    std::vector<int> counts(sizes.begin(), sizes.end());
    std::vector<int> offsets(count, 0);
    std::partial_sum(counts.begin(), counts.end() - 1, offsets.begin() + 1);
    std::vector<std::byte> joined(static_cast<std::size_t>(offsets.back() + counts.back()));
    check_mpi(MPI_Allgatherv(mine.data(), static_cast<int>(my_size), MPI_BYTE, joined.data(), counts.data(),
                             offsets.data(), MPI_BYTE, handle()),
              "MPI_Allgatherv");
    for (std::size_t r = 0; r < count; ++r) {
      std::copy_n(joined.begin() + offsets[r], counts[r], all[r].begin());
    }
    return all;
  }
  for (std::size_t r = 0; r < count; ++r) {
    for (std::int64_t at = 0; at < sizes[r]; at += piece) {
      check_mpi(MPI_Bcast(all[r].data() + at, static_cast<int>(std::min(piece, sizes[r] - at)), MPI_BYTE,
                          static_cast<int>(r), handle()),
                "MPI_Bcast");
    }
  }
  return all;
}

std::vector<std::string> Comm::gather_all_text(const std::string& mine) const {
  std::vector<std::string> texts;
  for (const auto& part : gather_all(std::vector<char>(mine.begin(), mine.end()))) {
    texts.emplace_back(part.begin(), part.end());
  }
  return texts;
}

void Comm::abort(int exit_code) const {
  MPI_Abort(handle(), exit_code);
  std::_Exit(exit_code);
}

void agree(const Comm& comm, const std::optional<Error>& mine) {
  const int first = comm.reduce_all(mine ? comm.rank() : comm.size(), MPI_MIN);
  if (first == comm.size()) return;
  // gather_all rather than a broadcast: only the one text is not empty, and its length travels along.
  const bool is_teller = comm.rank() == first;
  const auto texts = comm.gather_all_text(is_teller ? mine->what() : "");
  const int kind = comm.reduce_all(is_teller ? static_cast<int>(mine->kind()) : 0, MPI_MAX);
  throw AgreedError(Error::told(static_cast<ErrorKind>(kind), texts[static_cast<std::size_t>(first)]));
}

void collective(const Comm& comm, const std::function<void()>& action) {
  std::optional<Error> mine;
  try {
    action();
  } catch (const AgreedError&) {
    throw;
  } catch (const Error& error) {
    mine = error;
  } catch (const std::bad_alloc&) {
    mine = Error(ErrorKind::failure, fmt::format("rank {} is out of memory", comm.rank()), {},
                 "lower --memory-limit or use fewer ranks per node");
  }
  agree(comm, mine);
}

namespace {

using namespace std::chrono_literals;

// An answer over a network takes 20 to 100 us, and often leads to the next message. Who looks again at once, in place
// of yielding, takes so much from threads that compute.
constexpr auto at_once = 100us;
constexpr auto by_yields = 200us;
// Whether somebody computes on this core is tried again after so many messages.
constexpr int resets_without_yields = 100;
/// Of this thread: so many messages are still to come without.
thread_local int yields_last_long = 0;

}  // namespace

/// Passes no time, or little, as long as something may follow soon on what happened.
bool Backoff::is_eager() {
  using Clock = std::chrono::steady_clock;
  const auto now = Clock::now();
  if (is_reset_) {
    is_reset_ = false;
    since_ = now;
    if (yields_last_long > 0) --yields_last_long;
  }
  if (now - since_ < at_once) return true;
  if (yields_last_long > 0 || now - since_ > by_yields) return false;
  std::this_thread::yield();
  if (Clock::now() - now > 500us) yields_last_long = resets_without_yields;
  return true;
}

Backoff::~Backoff() {
  if (slack_before_ >= 0) prctl(PR_SET_TIMERSLACK, slack_before_);
}

void Backoff::sleep(std::chrono::microseconds time) {
  if (slack_before_ < 0) {
    // The kernel may add 50 microseconds to every sleep of a thread, unless it is told otherwise.
    slack_before_ = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, 1'000);
  }
  std::this_thread::sleep_for(time);
}

void Backoff::wait(CoreUse core) {
  // A yield only where nobody computes on this core: else it lasts a whole time slice, some milliseconds, while a
  // thread that sleeps is let in as soon as it wakes.
  if (core == CoreUse::own && rounds_ < 50) {
    std::this_thread::yield();
  } else if (core == CoreUse::shared && is_eager()) {
    return;
  } else {
    const bool is_soon = core != CoreUse::computing && rounds_ < 100;
    const ProbedWait wait;
    sleep(is_soon ? 10us : is_long() && core != CoreUse::own ? 500us : 200us);
  }
  ++rounds_;
}

void wait_quietly(MPI_Request& request, const Meanwhile& meanwhile) {
  Backoff backoff;
  for (int done = 0;;) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return;
    backoff.wait(meanwhile ? meanwhile() : CoreUse::own);
  }
}

}  // namespace paceline
