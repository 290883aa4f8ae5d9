// A child process for work that may crash or never end, such as a library that parses a damaged file.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <paceline/error.hpp>

namespace paceline {

/// A copy of the process as it is at construction, which then answers calls one by one. Not for two threads at once;
/// the thread that makes it must outlive it, because the child ends with that thread.
class ChildWorker {
 public:
  /// What a call asks for, and memory that parent and child share.
  using Answer = std::function<void(std::span<const std::int64_t> request, std::span<std::byte> shared)>;
  static constexpr std::size_t longest_request = 8;

  /// `memory_bytes`: what the child may take beyond what the process has now. Throws Error (failure).
  ChildWorker(std::size_t shared_bytes, std::int64_t memory_bytes, Answer answer);
  ChildWorker(const ChildWorker&) = delete;
  ChildWorker& operator=(const ChildWorker&) = delete;
  ~ChildWorker();

  /// Why the child gave no answer.
  struct Died {
    std::string why;           ///< for example "reading it crashes: Segmentation fault"
    bool is_too_long = false;  ///< it took more computing than it may
  };

  /// Has the child answer within `cpu_s` seconds of computing. Throws the Error that the answer threw, or Died.
  void call(std::span<const std::int64_t> request, double cpu_s);
  [[nodiscard]] std::span<std::byte> shared() const { return shared_; }

 private:
  [[noreturn]] void serve(int socket, std::int64_t memory_bytes, const Answer& answer);
  [[noreturn]] void tell_death();

  std::span<std::byte> shared_;
  pid_t child_ = -1;
  int socket_ = -1;
};

}  // namespace paceline
