#include "study/profile/attached_process.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <paceline/error.hpp>

#include "host/clock.hpp"
#include "host/places.hpp"

namespace paceline {
namespace {

std::atomic<pid_t> child = 0;

void pass_on(int signal) {
  const int error = errno;
  if (const pid_t pid = child; pid > 0) kill(pid, signal);
  errno = error;
}

/// While the program runs, what would end us goes to it. Ctrl-C it gets from the terminal itself.
class PassedOn {
 public:
  PassedOn() {
    struct sigaction action {};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    for (int i = 0; i < count; ++i) {
      action.sa_handler = signals[i] == SIGINT || signals[i] == SIGQUIT ? SIG_IGN : &pass_on;
      sigaction(signals[i], &action, &before_[i]);
    }
  }
  ~PassedOn() {
    for (int i = 0; i < count; ++i) sigaction(signals[i], &before_[i], nullptr);
  }
  PassedOn(const PassedOn&) = delete;
  PassedOn& operator=(const PassedOn&) = delete;
  /// In the child: as it was.
  void restore() const {
    for (int i = 0; i < count; ++i) sigaction(signals[i], &before_[i], nullptr);
  }

 private:
  static constexpr int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
  static constexpr int count = 6;
  struct sigaction before_[count] = {};
};

}  // namespace

ProcessResult run_attached(const std::vector<std::string>& words, const Environment& environment, OutputTo output) {
  const auto program = words.empty() ? std::string() : find_program(words.front());
  if (program.empty()) {
    throw Error(ErrorKind::usage, fmt::format("can't start {}", words.empty() ? "nothing" : words.front()),
                "there is no such program", "check its name, or give its path");
  }
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  const PassedOn passed_on;
  const Stopwatch watch;
  // A signal that comes meanwhile waits until it is known to whom it goes.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const Unbinding unbinding;
  const pid_t pid = fork();
  if (pid == 0) {
    passed_on.restore();
    unbinding.apply();
    sigprocmask(SIG_SETMASK, &before, nullptr);
    if (output == OutputTo::standard_error) dup2(STDERR_FILENO, STDOUT_FILENO);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execv(program.c_str(), pointers.data());
    fmt::print(stderr, "paceline: error: can't start {} ({}); check that it is a program\n", words.front(),
               std::strerror(errno));
    _exit(127);
  }
  const int error = errno;
  child = pid;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    throw Error(ErrorKind::failure, "can't start a process", std::strerror(error), "end others, or raise the limit");
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  child = 0;
  ProcessResult result;
  result.wall_s = watch.seconds();
  result.end = WIFSIGNALED(status) ? ProcessResult::End::killed : ProcessResult::End::exited;
  result.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace paceline
