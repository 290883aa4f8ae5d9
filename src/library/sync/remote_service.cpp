#include "library/sync/remote_service.hpp"

#include <fmt/format.h>

#include <cstring>

#include "library/sync/liveness_check.hpp"

namespace paceline::sync {
namespace {

using namespace std::chrono_literals;

enum Kind : int { call_kind, answer_kind, beat_kind, echo_kind };

constexpr auto beat_every = 200ms;
constexpr auto check_every = 50ms;

/// A sign of life, and its echo.
struct Beat {
  Life::Status status = Life::present;
  std::uint32_t ended = 0;  ///< a thread that ended with a lock in hand, + 1
};

/// Before Operation::in.
struct CallHead {
  std::uint64_t number = 0;
  Call call;
};
/// Before the sentence of an error and an item.
struct AnswerHead {
  std::uint64_t number = 0;
  Status status{};
  std::uint32_t text_bytes = 0;
  std::uint64_t value = 0;
};

template <class T>
void read(ByteReader& reader, T& object) {
  reader.read(&object, sizeof object);
}

}  // namespace

struct RemoteService::RemoteCall {
  std::uint64_t number = 0;
  Bytes in;
  Operation op;
  const ObjectType* type = nullptr;
  Clock::time_point begin, next_check;
};

RemoteService::RemoteService(Core& core)
    : core_(core),
      silence_(core.comm().size(), std::chrono::duration<double>(core.options().silence).count()),
      messages_(core.comm(), silence_),
      is_agent_known_(static_cast<std::size_t>(core.comm().size()) *
                      static_cast<std::size_t>(core.options().threads_per_rank)) {
  for (int rank = 0; rank < core.comm().size(); ++rank) goodbyes_due_ += core.is_at_home(rank) ? 0 : 1;
}

RemoteService::~RemoteService() = default;

void RemoteService::live(const std::stop_token& stop) {
  try {
    core_.is_home() ? serve(stop) : beat(stop);
  } catch (const Error& error) {
    // Without this thread the others would wait for ever.
    fmt::print(stderr, "paceline: error: {}\n", error.what());
    core_.comm().abort();
  }
}

void RemoteService::close(bool is_orderly) {
  last_word_ = Life::left;
  closing_ = is_orderly;
}

void RemoteService::serve(const std::stop_token& stop) {
  auto next_watch = Clock::now();
  for (Backoff backoff; !(closing_ && goodbyes_due_ == 0 && messages_.is_all_sent());) {
    bool is_busy = false;
    while (const auto message = messages_.receive()) {
      is_busy = true;
      if (message->kind == call_kind) begin_call(*message);
      if (message->kind == beat_kind) take_beat(*message);
    }
    go_on_with_calls(is_busy);
    messages_.is_all_sent();
    silence_.look();
    if (Clock::now() >= next_watch) {
      watch();
      next_watch = Clock::now() + check_every;
    }
    // Stopped without goodbyes: the job is coming down, or MPI is.
    if (stop.stop_requested() && !closing_) return;
    if (is_busy) backoff.reset();
    backoff.wait(CoreUse::shared);
  }
}

void RemoteService::begin_call(const detail::Message& message) {
  auto& call = calls_.emplace_back();
  call.in = message.head;
  ByteReader reader(call.in);
  CallHead head;
  read(reader, head);
  auto& op = call.op;
  call.number = head.number;
  op.call = head.call;
  op.in = reader.take(reader.left());
  call.type = &type_of(op.call.kind);
  auto& is_known = is_agent_known_[op.call.agent];
  if (is_known == 0) std::memset(static_cast<void*>(&core_.agent(op.call.agent)), 0, sizeof(Agent));
  is_known = 1;
  call.begin = Clock::now();
  call.next_check = call.begin + check_every;
  bool is_done = true;
  try {
    is_done = call.type->start(core_, op) == Step::done;
  } catch (const Error& error) {
    op.fail(error.what());
  }
  if (is_done) {
    answer(call);
    calls_.pop_back();
  }
}

bool RemoteService::go_on(RemoteCall& call) {
  auto& op = call.op;
  const auto now = Clock::now();
  try {
    if (op.is_rung()) return call.type->resume(core_, op) == Step::done;
    if (op.call.timeout >= 0 && now - call.begin >= std::chrono::nanoseconds(op.call.timeout)) {
      call.type->cancel(core_, op);
      return true;
    }
    if (now < call.next_check) return false;
    call.type->check(core_, op, now - call.begin);
    call.next_check = now + check_every;
    if (op.error.empty()) return false;
    call.type->cancel(core_, op);
    if (op.status == Status::timed_out) op.status = Status::failed;
  } catch (const Error& error) {
    op.fail(error.what());
  }
  return true;
}

void RemoteService::go_on_with_calls(bool& is_busy) {
  for (auto call = calls_.begin(); call != calls_.end();) {
    if (go_on(*call)) {
      is_busy = true;
      answer(*call);
      call = calls_.erase(call);
    } else {
      ++call;
    }
  }
}

void RemoteService::answer(const RemoteCall& call) {
  const auto& op = call.op;
  const auto text = op.status == Status::failed ? op.error : std::string();
  const AnswerHead head{call.number, op.status, static_cast<std::uint32_t>(text.size()), op.value};
  ByteWriter writer;
  writer.write(&head, sizeof head);
  writer.write(text.data(), text.size());
  writer.write(op.out_bytes.data(), op.out_bytes.size());
  send(core_.rank_of(op.call.agent), answer_kind, writer.take());
}

void RemoteService::send(int rank, int kind, Bytes bytes) { messages_.send(rank, kind, std::move(bytes)); }

void RemoteService::take_beat(const detail::Message& message) {
  ByteReader reader(message.head);
  Beat beat;
  read(reader, beat);
  if (beat.ended != 0) core_.agent(beat.ended - 1).ended = 1;
  if (beat.status != Life::present) {
    if (core_.life(message.from).status.exchange(beat.status) == Life::present) --goodbyes_due_;
  }
  send(message.from, echo_kind, message.head);
}

void RemoteService::watch() {
  for (int rank = 0; rank < core_.comm().size(); ++rank) {
    auto& status = core_.life(rank).status;
    if (core_.is_at_home(rank) || status != Life::present || !silence_.is_silent(rank)) continue;
    status = Life::dead;
    messages_.ignore(rank, true);
    --goodbyes_due_;
  }
}

void RemoteService::beat(const std::stop_token& stop) {
  auto next = Clock::now();
  for (bool is_leaving = false;;) {
    const auto now = Clock::now();
    const bool is_stopped = stop.stop_requested() && !closing_;
    {
      const std::lock_guard lock(mutex_);
      if (now >= next || is_stopped || (closing_ && !is_leaving)) {
        is_leaving = closing_;
        const Beat mine{is_leaving || is_stopped ? last_word_.load() : Life::present, core_.take_ended()};
        ByteWriter writer;
        writer.write(&mine, sizeof mine);
        send(0, beat_kind, writer.take());
        next = now + beat_every;
      }
      take_answers();
      const bool is_all_sent = messages_.is_all_sent();
      if (is_stopped || (is_let_go_ && is_all_sent) || (is_leaving && silence_.is_silent(0))) return;
    }
    std::this_thread::sleep_for(is_leaving ? 1ms : 20ms);
  }
}

/// Under mutex_.
void RemoteService::take_answers() {
  while (auto message = messages_.receive()) {
    ByteReader reader(message->head);
    if (message->kind == echo_kind) {
      Beat echo;
      read(reader, echo);
      if (echo.status == Life::left) is_let_go_ = true;
    } else if (message->kind == answer_kind) {
      AnswerHead head;
      read(reader, head);
      // Nothing waits for one whose thread has given up.
      const auto asked = answers_.find(head.number);
      if (asked != answers_.end()) asked->second = std::move(message->head);
    }
  }
  silence_.look();
}

void RemoteService::ask(Operation& op) {
  ByteWriter question;
  std::unique_lock lock(mutex_);
  const CallHead call{next_call_++, op.call};
  question.write(&call, sizeof call);
  question.write(op.in.data(), op.in.size());
  const auto answer = answers_.try_emplace(call.number).first;
  send(0, call_kind, question.take());
  for (Backoff backoff;; backoff.wait(CoreUse::shared), lock.lock()) {
    take_answers();
    messages_.is_all_sent();
    if (!answer->second.empty()) break;
    if (silence_.is_silent(0)) {
      answers_.erase(answer);
      throw Error(ErrorKind::failure, fmt::format("{} waits in vain for an answer", core_.name_of(op.call.agent)),
                  fmt::format("{}, where the shared state is, was not heard of for {:.1f} s", core_.name_with_host(0),
                              std::chrono::duration<double>(core_.options().silence).count()));
    }
    lock.unlock();
  }
  const auto bytes = std::move(answer->second);
  answers_.erase(answer);
  lock.unlock();
  ByteReader reader(bytes);
  AnswerHead head;
  read(reader, head);
  const auto text = reader.take(head.text_bytes);
  op.error.assign(reinterpret_cast<const char*>(text.data()), text.size());
  if (head.status == Status::done && reader.left() > 0) {
    op.give(reader.left(), [&, size = reader.left()](std::byte* to) { reader.read(to, size); });
  }
  op.finish(head.status, head.value);
}

}  // namespace paceline::sync
