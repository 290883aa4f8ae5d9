#include "study/measure/process_tree.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace paceline {
namespace {

/// Parent -> children, of all processes that there are.
std::multimap<pid_t, pid_t> family() {
  std::multimap<pid_t, pid_t> children;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", code)) {
    const auto name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
    std::ifstream file(entry.path() / "stat");
    std::string stat;
    std::getline(file, stat);
    // "pid (name) state parent ...": the name may hold anything.
    const auto after_name = stat.rfind(") ");
    if (after_name == std::string::npos || after_name + 4 >= stat.size()) continue;
    pid_t parent = 0;
    std::from_chars(stat.data() + after_name + 4, stat.data() + stat.size(), parent);
    children.emplace(parent, pid);
  }
  return children;
}

/// Waits for children that have ended; true when others are left.
bool reap() {
  pid_t pid = 0;
  do {
    pid = waitpid(-1, nullptr, WNOHANG);
  } while (pid > 0);
  return pid == 0;
}

}  // namespace

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

void kill_descendants() {
  // A process may start another while it is looked for, and children of the killed come to us: until there are none.
  // One that hangs in the kernel can't be killed; it is not waited for longer than this.
  for (int round = 0; reap() && round < 200; ++round) {
    const auto children = family();
    std::vector<pid_t> found = {getpid()};
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto [first, last] = children.equal_range(found[i]);
      for (auto child = first; child != last; ++child) found.push_back(child->second);
    }
    for (std::size_t i = 1; i < found.size(); ++i) kill(found[i], SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace paceline
