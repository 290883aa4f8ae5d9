// Signals that ask a run to stop: SIGTERM, SIGINT and SIGUSR1 (what batch systems send before the time limit).
#pragma once

namespace paceline {

/// Installs the handlers; the first signal asks to stop, the second of the same kind kills as usual.
void catch_interrupts();
/// The signal that has come; 0: none.
int interrupt_signal();

}  // namespace paceline
