#include "host/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace paceline {
namespace {

volatile std::sig_atomic_t came = 0;

void remember(int signal) { came = signal; }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaction(signal, &action, nullptr);
}

int interrupt_signal() { return came; }

}  // namespace paceline
