#include "probe/clock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

namespace paceline::probe {

bool has_counter = false;

void find_counter() {
  const int file = open("/sys/devices/system/clocksource/clocksource0/available_clocksource", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char names[256] = {};
  const auto bytes = read(file, names, sizeof names - 1);
  close(file);
  has_counter = bytes > 0 && std::strstr(names, "tsc") != nullptr;
}

}  // namespace paceline::probe
