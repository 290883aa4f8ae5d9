#include "library/liveness/process.hpp"

#include <fmt/format.h>
#include <sys/types.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>

namespace paceline {

bool is_alive(std::int64_t pid) {
  if (kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return false;
  // A process that has ended is listed until its parent asks for it.
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(file, text)) return true;
  const auto name_end = text.rfind(") ");
  return name_end == std::string::npos || text[name_end + 2] != 'Z';
}

}  // namespace paceline
