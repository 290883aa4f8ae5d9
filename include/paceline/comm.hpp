// MPI, wrapped thinly: a guard for its life, communicators as values, return codes checked.
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <paceline/error.hpp>

namespace paceline {

/// Throws Error naming `call` unless `code` is MPI_SUCCESS. Reached because communicators return errors.
void check_mpi(int code, const char* call);

/// How many threads of a rank may be in MPI at the same time. serialized: one, any. multiple: all, which pools of
/// several ranks and shared state between nodes need.
enum class ThreadLevel : int { serialized = MPI_THREAD_SERIALIZED, multiple = MPI_THREAD_MULTIPLE };

/// MPI from construction to destruction. Throws Error when the library offers less than the thread level asked for.
class MpiGuard {
 public:
  MpiGuard(int& argc, char**& argv, ThreadLevel level = ThreadLevel::multiple);
  MpiGuard(const MpiGuard&) = delete;
  MpiGuard& operator=(const MpiGuard&) = delete;
  /// Finalises, but not while an exception unwinds: the other ranks may be waiting in a call that this one left.
  ~MpiGuard();

 private:
  int exceptions_at_start_ = std::uncaught_exceptions();
};

/// A rank is lost: nothing collective can end any more, so neither does MPI on this rank.
void leave_unfinalised();

/// A communicator. Copies share it; one made by duplicate() or split is freed with its last copy.
class Comm {
 public:
  static Comm world();
  /// One that the program or another library has made, and frees when no copy of this is left. Errors of calls on it
  /// are returned from now on.
  static Comm of(MPI_Comm handle) { return {handle, false}; }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] MPI_Comm handle() const { return *handle_; }

  /// Collective: every rank calls.
  [[nodiscard]] Comm duplicate() const;
  /// Collective. The ranks that share memory with this one, in rank order.
  [[nodiscard]] Comm split_node() const;
  /// Collective. Ranks of one colour, in rank order; nothing for ranks that name no colour.
  [[nodiscard]] std::optional<Comm> split(std::optional<int> colour) const;

  /// Collective.
  void barrier() const;

  /// Collective. Element-wise reduction; every rank gets the result.
  template <class T>
  [[nodiscard]] std::vector<T> reduce_all(std::vector<T> values, MPI_Op op) const {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      // MPICH 4.0 compares numbers without a sign as if they had one; so does Open MPI 4.1 some of them.
      if (op == MPI_MAX || op == MPI_MIN) return extremes_of_all(values, op);
    }
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), type_of<T>(), op, handle()),
              "MPI_Allreduce");
    return values;
  }
  template <class T>
  [[nodiscard]] T reduce_all(T value, MPI_Op op) const {
    return reduce_all(std::vector<T>{value}, op).front();
  }

  /// Collective. Everybody's bytes, in rank order, on every rank; ranks may bring different amounts.
  [[nodiscard]] std::vector<std::vector<std::byte>> gather_all_bytes(const std::vector<std::byte>& mine) const;

  /// Collective. Everybody's elements, in rank order, on every rank; ranks may bring different numbers of them.
  template <class T>
  [[nodiscard]] std::vector<std::vector<T>> gather_all(const std::vector<T>& mine) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const std::byte*>(mine.data());
    std::vector<std::vector<T>> all;
    for (const auto& part : gather_all_bytes({bytes, bytes + mine.size() * sizeof(T)})) {
      const auto* begin = reinterpret_cast<const T*>(part.data());
      all.emplace_back(begin, begin + part.size() / sizeof(T));
    }
    return all;
  }

  /// Collective. Every rank's sentence, in rank order, on every rank.
  [[nodiscard]] std::vector<std::string> gather_all_text(const std::string& mine) const;

  /// Ends the whole job at once with this exit code; does not return.
  [[noreturn]] void abort(int exit_code = 1) const;

  template <class T>
  static MPI_Datatype type_of() {
    if constexpr (std::is_same_v<T, double>) {
      return MPI_DOUBLE;
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      return MPI_UINT64_T;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      return MPI_INT64_T;
    } else if constexpr (std::is_same_v<T, std::uint8_t>) {
      return MPI_UINT8_T;
    } else {
      static_assert(std::is_same_v<T, int>, "no MPI type is known for this one");
      return MPI_INT;
    }
  }

 private:
  Comm(MPI_Comm handle, bool owned);

  [[nodiscard]] std::vector<std::uint64_t> extremes_of_all(const std::vector<std::uint64_t>& values, MPI_Op op) const;

  std::shared_ptr<MPI_Comm> handle_;
  int rank_ = 0;
  int size_ = 1;
};

/// Collective: every rank calls, with its error if it has one. If any has, all throw the lowest rank's as an
/// AgreedError; this is how ranks decide together.
void agree(const Comm& comm, const std::optional<Error>& mine);

/// Collective: runs `action` on this rank and turns an Error from any rank into an AgreedError on all.
void collective(const Comm& comm, const std::function<void()>& action);

/// Who needs the core of a thread that waits for messages.
enum class CoreUse {
  own,       ///< nobody else: the first looks follow each other at once, as most waits end within microseconds
  shared,    ///< compute threads may wake at any moment
  computing  ///< compute threads, which have enough to do
};

/// What a thread does between two looks for messages; it returns who needs its core.
using Meanwhile = std::function<CoreUse()>;

/// Waits for a request without burning the core that compute threads need: looks, calls `meanwhile`, and backs off.
void wait_quietly(MPI_Request& request, const Meanwhile& meanwhile = {});

/// How a thread passes the time between two looks for messages: not at all or shortly at first, longer when nothing has
/// happened for a while. For one thread.
class Backoff {
 public:
  Backoff() = default;
  Backoff(const Backoff&) = delete;
  Backoff& operator=(const Backoff&) = delete;
  ~Backoff();

  void wait(CoreUse core = CoreUse::own);
  void reset() {
    rounds_ = 0;
    is_reset_ = true;
  }
  /// Nothing has happened for 0.1 s or longer.
  [[nodiscard]] bool is_long() const { return rounds_ > 500; }

 private:
  bool is_eager();
  void sleep(std::chrono::microseconds time);

  int rounds_ = 0;
  bool is_reset_ = true;
  std::chrono::steady_clock::time_point since_;  ///< the last reset
  int slack_before_ = -1;                        ///< of the thread; -1: not changed yet
};

}  // namespace paceline
