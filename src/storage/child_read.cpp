#include "storage/child_read.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>
#include <string_view>

#include <paceline/error.hpp>

namespace paceline {
namespace {

using Clock = std::chrono::steady_clock;

/// First byte of the answer.
enum class Answer : char { bytes, error, no_memory };

void write_all(int file, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const auto written = ::write(file, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

void answer(int file, Answer kind, const void* data, std::size_t size) {
  write_all(file, &kind, 1);
  write_all(file, data, size);
}

void limit(int resource, rlim_t most) {
  struct rlimit now {};
  getrlimit(static_cast<__rlimit_resource_t>(resource), &now);
  now.rlim_cur = std::min(now.rlim_cur, most);
  setrlimit(static_cast<__rlimit_resource_t>(resource), &now);
}

std::int64_t own_memory_bytes() {
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

[[noreturn]] void run_child(int out, const std::function<std::vector<std::byte>()>& read, const ReadLimits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) std::signal(number, SIG_DFL);
  // The C library says on these what it thinks of a damaged heap.
  const int nothing = open("/dev/null", O_WRONLY);
  dup2(nothing, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, static_cast<rlim_t>(std::ceil(limits.seconds)) + 1);
  limit(RLIMIT_AS, static_cast<rlim_t>(own_memory_bytes() + limits.memory_bytes));
  try {
    const auto bytes = read();
    answer(out, Answer::bytes, bytes.data(), bytes.size());
  } catch (const Error& error) {
    const auto kind = static_cast<char>(error.kind());
    const auto text = std::string(1, kind) + error.what();
    answer(out, Answer::error, text.data(), text.size());
  } catch (const std::bad_alloc&) {
    answer(out, Answer::no_memory, nullptr, 0);
  } catch (const std::exception& error) {
    const auto text = std::string(1, static_cast<char>(ErrorKind::failure)) + error.what();
    answer(out, Answer::error, text.data(), text.size());
  }
  // No destructor of this process may run a second time.
  _exit(0);
}

/// All that the child says until it ends; false when the time is up.
bool receive(int in, Clock::time_point end, std::vector<std::byte>& received) {
  std::byte buffer[65536];
  for (;;) {
    const auto left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left_ms <= 0) return false;
    pollfd file{in, POLLIN, 0};
    if (poll(&file, 1, static_cast<int>(std::min<std::int64_t>(left_ms, 1000))) <= 0) continue;
    const auto bytes = ::read(in, buffer, sizeof buffer);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return true;
    received.insert(received.end(), buffer, buffer + bytes);
  }
}

}  // namespace

std::vector<std::byte> read_in_child(const std::function<std::vector<std::byte>()>& read, const ReadLimits& limits) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::failure, "can't make a pipe", std::strerror(errno));
  const auto end = Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(1000 * limits.seconds));
  const pid_t child = fork();
  if (child < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    throw Error(ErrorKind::failure, "can't start a process", std::strerror(error));
  }
  if (child == 0) {
    close(ends[0]);
    run_child(ends[1], read, limits);
  }
  close(ends[1]);
  std::vector<std::byte> received;
  const bool is_in_time = receive(ends[0], end, received);
  close(ends[0]);
  if (!is_in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!is_in_time) {
    throw Error(ErrorKind::failure, fmt::format("reading it does not end within {:g} s", limits.seconds));
  }
  if (WIFSIGNALED(status)) {
    throw Error(ErrorKind::failure, WTERMSIG(status) == SIGXCPU
                                        ? fmt::format("reading it does not end within {:g} s", limits.seconds)
                                        : fmt::format("HDF5 crashes on it: {}", strsignal(WTERMSIG(status))));
  }
  if (received.empty() || WEXITSTATUS(status) != 0) throw Error(ErrorKind::failure, "it can't be read to its end");
  const auto kind = static_cast<Answer>(received.front());
  received.erase(received.begin());
  if (kind == Answer::bytes) return received;
  if (kind == Answer::no_memory) throw Error(ErrorKind::failure, "it asks for more memory than such a file can need");
  const auto error_kind = static_cast<ErrorKind>(received.front());
  const std::string_view text(reinterpret_cast<const char*>(received.data()) + 1, received.size() - 1);
  throw Error::told(error_kind, std::string(text));
}

}  // namespace paceline
