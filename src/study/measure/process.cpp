#include "study/measure/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include <paceline/error.hpp>

#include "host/places.hpp"
#include "study/measure/memory_watch.hpp"
#include "study/measure/process_tree.hpp"

extern char** environ;

namespace paceline {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_output = std::size_t{16} << 20;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Both ends close when a program is started, and with this object.
struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      throw Error(ErrorKind::failure, "can't make a pipe", std::strerror(errno), "raise the limit of open files");
    }
    read = ends[0];
    write = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(read);
    close_write();
  }
  void close_write() {
    if (write >= 0) close(write);
    write = -1;
  }
};

/// From a program to the study.
struct Pipes {
  Pipe out, err;
  Pipe trouble;  ///< why it could not be started
};

/// Takes what is there; false at the end.
bool take(int file, std::string& text) {
  char buffer[65536];
  const auto bytes = ::read(file, buffer, sizeof buffer);
  if (bytes < 0) return errno == EAGAIN || errno == EINTR;
  text.append(buffer, static_cast<std::size_t>(bytes));
  if (text.size() > most_output) text.erase(0, text.size() - most_output / 2);
  return bytes > 0;
}

/// Takes all that is there, without waiting.
void drain(int file, std::string& text) {
  do {
    errno = 0;
  } while (take(file, text) && errno == 0);
}

/// NAME=value of our environment with the program's on top.
std::vector<std::string> merged(const Environment& changes) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const auto name = text.substr(0, text.find('='));
    bool is_changed = false;
    for (const auto& change : changes) is_changed = is_changed || change.first == name;
    if (!is_changed) all.push_back(text);
  }
  for (const auto& [name, value] : changes) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// In the child: nothing here may allocate.
[[noreturn]] void become(const char* program, char* const* words, char* const* variables, const Pipes& pipes,
                         pid_t parent, const Unbinding& unbinding) {
  setpgid(0, 0);
  unbinding.apply();
  // Should the study be killed, its run is not left alone.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGXFSZ, SIGPIPE}) ::signal(signal, SIG_DFL);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(pipes.out.write, STDOUT_FILENO);
  dup2(pipes.err.write, STDERR_FILENO);
  execve(program, words, variables);
  const int error = errno;
  const auto told = ::write(pipes.trouble.write, &error, sizeof error);
  _exit(told == sizeof error ? 127 : 126);
}

/// Watches for the end of one child from a thread of its own, so that the moment is known to microseconds. The child
/// stays to be waited for.
class EndWatch {
 public:
  EndWatch(pid_t pid, Clock::time_point start)
      : thread_([this, pid, start] {
          siginfo_t info{};
          while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
          }
          wall_s_ = seconds_since(start);
          done_ = true;
          pipe_.close_write();
        }) {}
  ~EndWatch() { thread_.join(); }
  EndWatch(const EndWatch&) = delete;
  EndWatch& operator=(const EndWatch&) = delete;
  [[nodiscard]] int handle() const { return pipe_.read; }
  [[nodiscard]] bool is_done() const { return done_; }
  [[nodiscard]] double wall_s() const { return wall_s_; }

 private:
  Pipe pipe_;
  std::atomic<bool> done_ = false;
  std::atomic<double> wall_s_ = 0;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

std::string find_program(const std::string& name) {
  const auto is_program = [](const std::string& path) {
    std::error_code code;
    return access(path.c_str(), X_OK) == 0 && !std::filesystem::is_directory(path, code);
  };
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "/usr/bin:/bin";
  folders += ':';
  for (std::size_t begin = 0, end = 0; (end = folders.find(':', begin)) != std::string::npos; begin = end + 1) {
    const auto folder = folders.substr(begin, end - begin);
    const auto file = (folder.empty() ? "." : folder) + "/" + name;
    if (is_program(file)) return file;
  }
  return {};
}

ProcessResult run_process(const std::vector<std::string>& words, const Environment& environment,
                          const Patience& patience) {
  const auto cannot_start = [&](const std::string& why) {
    return Error(ErrorKind::usage, fmt::format("can't start {}", words.empty() ? "nothing" : words.front()), why,
                 "check its name, or give its path");
  };
  const auto program = words.empty() ? std::string() : find_program(words.front());
  if (program.empty()) throw cannot_start("there is no such program");
  adopt_orphans();
  auto texts = words;
  auto variables = merged(environment);
  const auto word_pointers = pointers(texts);
  const auto variable_pointers = pointers(variables);
  const Unbinding unbinding;
  Pipes pipes;
  auto& [out, err, trouble] = pipes;
  ProcessResult result;

  const auto start = Clock::now();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    throw Error(ErrorKind::failure, "can't start a process", std::strerror(errno), "end others, or raise the limit");
  }
  if (pid == 0) become(program.c_str(), word_pointers.data(), variable_pointers.data(), pipes, parent, unbinding);
  setpgid(pid, pid);  // here too, whoever comes first
  for (auto* pipe : {&out, &err, &trouble}) pipe->close_write();
  int error = 0;
  if (::read(trouble.read, &error, sizeof error) == sizeof error) {
    waitpid(pid, nullptr, 0);
    throw cannot_start(std::strerror(error));
  }
  for (const auto* pipe : {&out, &err}) fcntl(pipe->read, F_SETFL, O_NONBLOCK);

  {
    const EndWatch watch(pid, start);
    pollfd files[] = {{watch.handle(), POLLIN, 0}, {out.read, POLLIN, 0}, {err.read, POLLIN, 0}};
    double kill_at_s = patience.timeout_s + patience.grace_s;
    MemoryWatch memory(pid);
    double look_at_s = 0;
    while (!watch.is_done()) {
      const double before_s = seconds_since(start);
      if (before_s >= look_at_s) {
        memory.look();
        look_at_s = before_s + MemoryWatch::pause_s(before_s);
      }
      poll(files, std::size(files), static_cast<int>(std::clamp(1000 * (look_at_s - before_s), 1.0, 100.0)));
      if (files[1].revents != 0 && !take(out.read, result.out)) files[1].fd = -1;
      if (files[2].revents != 0 && !take(err.read, result.err)) files[2].fd = -1;
      const auto now_s = seconds_since(start);
      if (result.end == ProcessResult::End::exited && !watch.is_done()) {
        const bool is_over = now_s > patience.timeout_s;
        if (!is_over && !(patience.stop && patience.stop())) continue;
        result.end = is_over ? ProcessResult::End::timed_out : ProcessResult::End::stopped;
        kill_at_s = now_s + patience.grace_s;
        // A launcher that is asked to end takes its ranks with it, those on other nodes too.
        kill(-pid, SIGTERM);
      } else if (now_s > kill_at_s) {
        kill(-pid, SIGKILL);
        // It may have left its group.
        kill(pid, SIGKILL);
      }
    }
    result.has_ranks = memory.has_ranks();
    result.rank_rss_bytes = memory.peaks();
    result.wall_s = watch.wall_s();
  }
  int status = 0;
  rusage usage{};
  while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  // The kernel's own peak, of the program and of what it waited for, however short it was. A launcher's is no rank's.
  if (!result.has_ranks) {
    const auto peak = std::int64_t{usage.ru_maxrss} * 1024;
    result.rank_rss_bytes = {std::max(peak, result.rank_rss_bytes.empty() ? 0 : result.rank_rss_bytes.front())};
  }
  // Processes that outlive their launcher hold the pipes open.
  kill_descendants();
  drain(out.read, result.out);
  drain(err.read, result.err);
  if (result.end == ProcessResult::End::exited) {
    if (WIFSIGNALED(status)) result.end = ProcessResult::End::killed;
    result.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  }
  return result;
}

}  // namespace paceline
