// One URL on its way: its attempts one after the other, each a transfer of libcurl.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "workloads/fetch/curl.hpp"
#include "workloads/fetch/download.hpp"
#include "workloads/memory_budget.hpp"

namespace paceline::fetch {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

Clock::duration seconds_long(double seconds);

/// Which transfers may go on: over-budget transfers pause until bodies are written. A transfer has its whole body
/// counted from its first byte on where the server has said how long it is, and then goes on to its end. The oldest
/// transfer waits only for bodies that go away by themselves, these and finished ones, so that one always goes on; what
/// it does not wait for is kept small.
struct Budget {
  enum class Length { announced, unknown };
  MemoryBudget& memory;   ///< of the rank: unfinished bodies, and finished ones that are not yet written
  std::int64_t held = 0;  ///< of unfinished bodies
  std::int64_t sure = 0;  ///< of them: of those that will need no more
  const void* oldest = nullptr;
  int paused = 0;  ///< transfers

  [[nodiscard]] std::int64_t finished() const { return memory.held() - held; }
  /// Whether `who`, which has `own` bytes and is not guaranteed to pass, may have `more`.
  [[nodiscard]] bool allows(const void* who, std::int64_t own, std::int64_t more, Length length) const {
    const auto others = finished();
    const auto limit = memory.limit();
    if (who == oldest) return others + sure == 0 || others + sure + own + more <= limit;
    if (length == Length::unknown && held - sure + more > limit / 3) return false;
    return others + held + more <= limit;
  }
};

/// Not for two threads at once.
class Transfer {
 public:
  /// `number`: of the URL; its waits are drawn from it.
  Transfer(std::string url, std::uint64_t number, const Settings& settings, Budget& budget);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer();

  /// Whether there is room for an attempt. libcurl reads a file in one go and can't pause: there must be room for all
  /// of it.
  [[nodiscard]] bool may_begin() const;
  /// Before each attempt, which is then `easy()`'s. An answer if there is no need for one.
  std::optional<Answer> begin(Time now);
  [[nodiscard]] CURL* easy() const { return easy_.get(); }
  [[nodiscard]] Time deadline() const { return deadline_; }
  /// Moves the deadline, unless it is to move by a pause.
  void forgive(Clock::duration time) { deadline_ += is_paused() ? Clock::duration{} : time; }

  [[nodiscard]] bool is_paused() const { return paused_at_.has_value(); }
  [[nodiscard]] bool may_go_on() const { return may_have(CURL_MAX_WRITE_SIZE); }
  /// Goes on after a pause, by which its deadline moves. False if it failed at once; then it has ended, see end().
  bool go_on(Time now);

  /// After an attempt: the answer, or nothing if there is to be another one from due() on.
  std::optional<Answer> end(CURLcode code, Time now);
  [[nodiscard]] Time due() const { return due_; }

 private:
  void set_paused(std::optional<Time> at);
  [[nodiscard]] bool may_be_the_connection(CURLcode code) const;
  [[nodiscard]] std::string reason_of(CURLcode code) const;
  static std::size_t receive(const char* data, std::size_t one, std::size_t size, void* transfer);
  std::size_t add(const char* data, std::size_t size);
  [[nodiscard]] bool is_sure() const { return announced_ > 0 && counted_ == announced_; }
  [[nodiscard]] std::int64_t due_bytes(std::int64_t more) const;
  [[nodiscard]] bool may_have(std::int64_t more) const;
  [[nodiscard]] std::int64_t file_bytes() const;
  void count(std::int64_t more);
  void drop_body();
  void set_options();
  [[nodiscard]] int status() const;

  std::string url_;
  std::uint64_t number_;
  const Settings& settings_;
  Budget& budget_;
  Easy easy_;
  std::string file_;  ///< of a file URL
  Body body_;
  std::int64_t announced_ = 0;  ///< bytes of the body; 0: the server has not said
  std::int64_t counted_ = 0;    ///< bytes in the budget
  bool is_too_large_ = false;
  bool wants_fresh_ = false;  ///< a connection that no other request has used
  std::string reason_;        ///< libcurl's own, of the last attempt
  int attempts_ = 0;
  Time deadline_;
  Time due_;
  std::optional<Time> paused_at_;
};

}  // namespace paceline::fetch
