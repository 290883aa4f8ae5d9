#include "host/child_worker.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>

namespace paceline {
namespace {

struct Request {
  double cpu_s = 0;
  std::int64_t words = 0;
  std::array<std::int64_t, ChildWorker::longest_request> values{};
};

struct Reply {
  bool is_error = false;
  ErrorKind kind = ErrorKind::failure;
  std::array<char, 4096> sentence{};
};

/// Whole messages; false when the other side is gone.
bool send_message(int socket, const void* data, std::size_t size) {
  for (;;) {
    const auto sent = send(socket, data, size, MSG_NOSIGNAL);
    if (sent >= 0 || errno != EINTR) return sent == static_cast<ssize_t>(size);
  }
}
bool receive_message(int socket, void* data, std::size_t size) {
  for (;;) {
    const auto got = recv(socket, data, size, 0);
    if (got >= 0 || errno != EINTR) return got == static_cast<ssize_t>(size);
  }
}

std::int64_t address_space() {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  file >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

void limit(__rlimit_resource what, rlim_t value) {
  struct rlimit both {};
  getrlimit(what, &both);
  both.rlim_cur = std::min(value, both.rlim_max);
  setrlimit(what, &both);
}

void allow_cpu(double more_s) {
  struct rusage used {};
  getrusage(RUSAGE_SELF, &used);
  limit(RLIMIT_CPU, static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1 + std::llround(more_s)));
}

Reply reply_of(ErrorKind kind, const char* sentence) {
  Reply reply;
  reply.is_error = true;
  reply.kind = kind;
  std::strncpy(reply.sentence.data(), sentence, reply.sentence.size() - 1);
  return reply;
}

Error no_child(const char* call) {
  return {ErrorKind::failure, std::string(call) + " failed", std::strerror(errno), "raise the limits of this machine"};
}

}  // namespace

ChildWorker::ChildWorker(std::size_t shared_bytes, std::int64_t memory_bytes, Answer answer) {
  auto* memory = mmap(nullptr, shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw no_child("mmap");
  shared_ = {static_cast<std::byte*>(memory), shared_bytes};
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    munmap(memory, shared_bytes);
    throw no_child("socketpair");
  }
  const auto parent = getpid();
  child_ = fork();
  if (child_ < 0) {
    const auto error = no_child("fork");
    munmap(memory, shared_bytes);
    close(ends[0]);
    close(ends[1]);
    throw error;
  }
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    close(ends[0]);
    serve(ends[1], memory_bytes, answer);
  }
  close(ends[1]);
  socket_ = ends[0];
}

ChildWorker::~ChildWorker() {
  close(socket_);
  if (child_ > 0) {
    kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  munmap(shared_.data(), shared_.size());
}

void ChildWorker::serve(int socket, std::int64_t memory_bytes, const Answer& answer) {
  // MPI's handlers would print what a crash looks like, and glibc what it finds; the parent says it in one line.
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU}) std::signal(signal, SIG_DFL);
  // The launcher's signals are for ranks: the child ends with its parent.
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, SIG_IGN);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, stream);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_AS, static_cast<rlim_t>(address_space() + memory_bytes));
  for (Request request; receive_message(socket, &request, sizeof request);) {
    allow_cpu(request.cpu_s);
    Reply reply;
    try {
      answer(std::span(request.values).first(static_cast<std::size_t>(request.words)), shared_);
    } catch (const Error& error) {
      reply = reply_of(error.kind(), error.what());
    } catch (const std::bad_alloc&) {
      reply = reply_of(ErrorKind::input, "reading takes more memory than --memory-limit allows; raise it");
    } catch (const std::exception& error) {
      reply = reply_of(ErrorKind::failure, error.what());
    }
    if (!send_message(socket, &reply, sizeof reply)) break;
  }
  _exit(0);
}

void ChildWorker::call(std::span<const std::int64_t> request, double cpu_s) {
  Request message;
  message.cpu_s = cpu_s;
  message.words = std::ssize(request);
  std::copy(request.begin(), request.end(), message.values.begin());
  Reply reply;
  if (child_ < 0 || !send_message(socket_, &message, sizeof message) ||
      !receive_message(socket_, &reply, sizeof reply)) {
    tell_death();
  }
  if (reply.is_error) throw Error::told(reply.kind, reply.sentence.data());
}

void ChildWorker::tell_death() {
  int status = 0;
  if (child_ > 0) {
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }
  if (!WIFSIGNALED(status)) throw Died{"reading it has failed", false};
  if (WTERMSIG(status) == SIGXCPU) throw Died{"reading it does not end", true};
  throw Died{std::string("reading it crashes: ") + strsignal(WTERMSIG(status)), false};
}

}  // namespace paceline
