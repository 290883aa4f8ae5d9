#include "library/sync/remote_service.hpp"

#include <fmt/format.h>

#include <cstring>

#include "library/sync/liveness_check.hpp"

namespace paceline::sync {
namespace {

using namespace std::chrono_literals;

constexpr int call_tag = 1;
constexpr int beat_tag = 2;
constexpr int echo_tag = 3;
constexpr int answer_tag = 16;  // + the thread's number: each waits for its own

constexpr auto beat_every = 200ms;
constexpr auto look_every = 50ms;

/// A sign of life, and its echo.
struct Beat {
  Life::Status status = Life::present;
  std::uint32_t ended = 0;  ///< a thread that ended with a lock in hand, + 1
};

/// Before the sentence of an error and an item.
struct AnswerHead {
  Status status{};
  std::uint32_t text_bytes = 0;
  std::uint64_t value = 0;
};
constexpr std::size_t most_text = 4096;

template <class T>
std::vector<std::byte> bytes_of(const T& object) {
  std::vector<std::byte> bytes(sizeof object);
  std::memcpy(bytes.data(), &object, sizeof object);
  return bytes;
}

}  // namespace

struct RemoteService::Guest {
  Operation op;
  std::vector<std::byte> in, out;
  Clock::time_point begin, next_look;
};

struct RemoteService::Sending {
  std::vector<std::byte> bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

RemoteService::RemoteService(Core& core)
    : core_(core), heard_(static_cast<std::size_t>(core.comm().size()), Clock::now()) {
  heard_home_ = Clock::now().time_since_epoch().count();
  for (int rank = 0; rank < core.comm().size(); ++rank) goodbyes_due_ += core.is_at_home(rank) ? 0 : 1;
}

RemoteService::~RemoteService() = default;

void RemoteService::live(const std::stop_token& stop) {
  try {
    core_.is_home() ? serve(stop) : beat(stop);
  } catch (const Error& error) {
    // Without this thread the others would wait for ever.
    fmt::print(stderr, "paceline: error: {}\n", error.what());
    core_.comm().abort(ExitCode::failure);
  }
}

void RemoteService::close(bool is_orderly) {
  last_word_ = Life::left;
  closing_ = is_orderly;
}

void RemoteService::serve(const std::stop_token& stop) {
  auto next_watch = Clock::now();
  for (Nap nap; !(closing_ && goodbyes_due_ == 0 && sendings_.empty());) {
    bool is_busy = false;
    receive_calls(is_busy);
    receive_beats(is_busy);
    go_on_with_guests(is_busy);
    drop_finished();
    if (Clock::now() >= next_watch) {
      watch();
      next_watch = Clock::now() + look_every;
    }
    // Stopped without goodbyes: the job is coming down, or MPI is.
    if (stop.stop_requested() && !closing_) return;
    if (is_busy) nap.reset();
    nap.take();
  }
}

void RemoteService::receive_calls(bool& is_busy) {
  for (;;) {
    int is_there = 0, size = 0;
    MPI_Status status;
    const auto comm = core_.comm().handle();
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, call_tag, comm, &is_there, &status), "MPI_Iprobe");
    if (is_there == 0) return;
    is_busy = true;
    check_mpi(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
    auto& guest = guests_.emplace_back();
    guest.in.resize(static_cast<std::size_t>(size));
    check_mpi(MPI_Recv(guest.in.data(), size, MPI_BYTE, status.MPI_SOURCE, call_tag, comm, MPI_STATUS_IGNORE),
              "MPI_Recv");
    auto& op = guest.op;
    std::memcpy(&op.call, guest.in.data(), sizeof op.call);
    op.in = std::span<const std::byte>(guest.in).subspan(sizeof op.call);
    if (op.call.verb == Verb::queue_pop) {
      guest.out.resize(static_cast<const QueueState&>(core_.state(op.call.object)).item_bytes);
      op.out = guest.out;
    }
    guest.begin = Clock::now();
    guest.next_look = guest.begin + look_every;
    bool is_done = true;
    try {
      is_done = start(core_, op) == Step::done;
    } catch (const Error& error) {
      op.fail(error.what());
    }
    if (is_done) {
      answer(guest);
      guests_.pop_back();
    }
  }
}

void RemoteService::go_on_with_guests(bool& is_busy) {
  for (auto guest = guests_.begin(); guest != guests_.end();) {
    auto& op = guest->op;
    bool is_done = false;
    const auto now = Clock::now();
    try {
      if (op.is_rung()) {
        is_done = resume(core_, op) == Step::done;
      } else if (op.call.timeout >= 0 && now - guest->begin >= std::chrono::nanoseconds(op.call.timeout)) {
        cancel(core_, op);
        is_done = true;
      } else if (now >= guest->next_look) {
        look(core_, op, now - guest->begin);
        guest->next_look = now + look_every;
        if (!op.error.empty()) {
          cancel(core_, op);
          if (op.status == Status::timed_out) op.status = Status::failed;
          is_done = true;
        }
      }
    } catch (const Error& error) {
      op.fail(error.what());
      is_done = true;
    }
    if (is_done) {
      is_busy = true;
      answer(*guest);
      guest = guests_.erase(guest);
    } else {
      ++guest;
    }
  }
}

void RemoteService::answer(Guest& guest) {
  const auto& op = guest.op;
  const auto text = op.status == Status::failed ? op.error.substr(0, most_text) : std::string();
  auto bytes = bytes_of(AnswerHead{op.status, static_cast<std::uint32_t>(text.size()), op.value});
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  bytes.insert(bytes.end(), begin, begin + text.size());
  if (op.status == Status::done) bytes.insert(bytes.end(), guest.out.begin(), guest.out.end());
  const auto thread = static_cast<int>(op.call.agent) % core_.options().threads_per_rank;
  send(core_.rank_of(op.call.agent), answer_tag + thread, std::move(bytes));
}

void RemoteService::send(int rank, int tag, std::vector<std::byte> bytes) {
  auto& sending = sendings_.emplace_back();
  sending.bytes = std::move(bytes);
  check_mpi(MPI_Isend(sending.bytes.data(), static_cast<int>(sending.bytes.size()), MPI_BYTE, rank, tag,
                      core_.comm().handle(), &sending.request),
            "MPI_Isend");
}

void RemoteService::drop_finished() {
  std::erase_if(sendings_, [](Sending& sending) {
    int is_done = 0;
    check_mpi(MPI_Test(&sending.request, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
    return is_done != 0;
  });
}

void RemoteService::receive_beats(bool& is_busy) {
  for (;;) {
    int is_there = 0;
    MPI_Status status;
    const auto comm = core_.comm().handle();
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, beat_tag, comm, &is_there, &status), "MPI_Iprobe");
    if (is_there == 0) return;
    is_busy = true;
    Beat beat;
    check_mpi(MPI_Recv(&beat, sizeof beat, MPI_BYTE, status.MPI_SOURCE, beat_tag, comm, MPI_STATUS_IGNORE), "MPI_Recv");
    heard_[static_cast<std::size_t>(status.MPI_SOURCE)] = Clock::now();
    if (beat.ended != 0) core_.agent(beat.ended - 1).ended = 1;
    if (beat.status != Life::present) {
      if (core_.life(status.MPI_SOURCE).status.exchange(beat.status) == Life::present) --goodbyes_due_;
    }
    send(status.MPI_SOURCE, echo_tag, bytes_of(beat));
  }
}

void RemoteService::watch() {
  for (int rank = 0; rank < core_.comm().size(); ++rank) {
    auto& status = core_.life(rank).status;
    if (core_.is_at_home(rank) || status != Life::present) continue;
    if (Clock::now() - heard_[static_cast<std::size_t>(rank)] < core_.options().silence) continue;
    status = Life::dead;
    --goodbyes_due_;
  }
}

bool RemoteService::home_is_silent() const {
  return Clock::now() - Clock::time_point(Clock::duration(heard_home_.load())) > core_.options().silence;
}

void RemoteService::beat(const std::stop_token& stop) {
  auto next = Clock::now();
  const auto comm = core_.comm().handle();
  for (bool is_leaving = false;;) {
    const auto now = Clock::now();
    const bool is_stopped = stop.stop_requested() && !closing_;
    if (now >= next || is_stopped || (closing_ && !is_leaving)) {
      is_leaving = closing_;
      const Beat mine{is_leaving || is_stopped ? last_word_.load() : Life::present, core_.take_ended()};
      // Few bytes go out at once, whether they are received or not.
      check_mpi(MPI_Send(&mine, sizeof mine, MPI_BYTE, 0, beat_tag, comm), "MPI_Send");
      next = now + beat_every;
    }
    if (is_stopped) return;
    for (int is_there = 1; is_there != 0;) {
      MPI_Status status;
      check_mpi(MPI_Iprobe(0, echo_tag, comm, &is_there, &status), "MPI_Iprobe");
      if (is_there == 0) break;
      Beat echo;
      check_mpi(MPI_Recv(&echo, sizeof echo, MPI_BYTE, 0, echo_tag, comm, MPI_STATUS_IGNORE), "MPI_Recv");
      heard_home_ = Clock::now().time_since_epoch().count();
      if (echo.status == Life::left) return;
    }
    if (is_leaving && home_is_silent()) return;
    std::this_thread::sleep_for(is_leaving ? 1ms : 20ms);
  }
}

void RemoteService::ask(Operation& op) {
  const auto comm = core_.comm().handle();
  auto question = bytes_of(op.call);
  question.insert(question.end(), op.in.begin(), op.in.end());
  // MPI may write to it after this call has given up.
  auto reply = std::make_shared<std::vector<std::byte>>(sizeof(AnswerHead) + most_text + op.out.size());
  const auto thread = static_cast<int>(op.call.agent) % core_.options().threads_per_rank;
  MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  check_mpi(
      MPI_Irecv(reply->data(), static_cast<int>(reply->size()), MPI_BYTE, 0, answer_tag + thread, comm, &requests[0]),
      "MPI_Irecv");
  check_mpi(MPI_Isend(question.data(), static_cast<int>(question.size()), MPI_BYTE, 0, call_tag, comm, &requests[1]),
            "MPI_Isend");
  Nap nap;
  for (int is_done = 0;;) {
    check_mpi(MPI_Testall(2, requests, &is_done, MPI_STATUSES_IGNORE), "MPI_Testall");
    if (is_done != 0) break;
    if (given_up_ || home_is_silent()) {
      given_up_ = true;  // an answer that comes now would be taken for that to the next question
      const std::lock_guard lock(left_mutex_);
      left_behind_.push_back(reply);
      left_behind_.push_back(std::make_shared<std::vector<std::byte>>(std::move(question)));
      throw Error(ExitCode::failure, fmt::format("{} waits in vain for an answer", core_.name_of(op.call.agent)),
                  fmt::format("{}, where the shared state is, was not heard of for {:.1f} s", core_.name_with_host(0),
                              std::chrono::duration<double>(core_.options().silence).count()));
    }
    nap.take();
  }
  AnswerHead head;
  std::memcpy(&head, reply->data(), sizeof head);
  const auto* text = reinterpret_cast<const char*>(reply->data() + sizeof head);
  op.error.assign(text, head.text_bytes);
  if (head.status == Status::done && !op.out.empty()) {
    std::memcpy(op.out.data(), reply->data() + sizeof head + head.text_bytes, op.out.size());
  }
  op.finish(head.status, head.value);
}

}  // namespace paceline::sync
