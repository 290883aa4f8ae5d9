// MPI's functions, by both names: Fortran's bindings call MPI_ with MPICH and PMPI_ with Open MPI, and many call each
// other inside. Only the outermost counts.
//
// Nothing here knows an MPI's header. Every argument is an integer or a pointer, so a wrapper passes on as many machine
// words as the function has arguments; handles are words, whatever they are. The calling conventions of x86-64 (System
// V) and AArch64 (AAPCS64 on Linux) pass both kinds alike, in registers and in words of the stack.
#include <cstring>

#include "probe/original.hpp"
#include "probe/payload.hpp"
#include "probe/process.hpp"
#include "probe/thread.hpp"
#include "probe/wrap.hpp"

namespace paceline::probe {
namespace {

/// Inside another call it is passed on alone; of a thread that is not one of the program's own or in a parallel region,
/// calls are counted and no time.
template <class... Words>
[[gnu::noinline]] Word unmeasured(Original& original, Class kind, Words... words) {
  auto& thread = self();
  if (thread.state != State::outside) return original(words...);
  ++thread.totals.by_class[static_cast<int>(kind)].calls;
  thread.state = State::mpi;
  const Word result = original(words...);
  thread.state = State::outside;
  return result;
}

template <class Count, Class kind, Payload payload, class... Words>
[[gnu::always_inline]] inline Word measured(Original& original, Words... words) {
  auto& thread = this_thread;
  if (thread.state != State::useful) [[unlikely]] {
    return unmeasured(original, kind, words...);
  }
  thread.leave_useful(State::mpi, ticks());
  const Word result = original(words...);
  auto& calls = thread.totals.by_class[static_cast<int>(kind)];
  calls.ticks += thread.leave_mpi();
  ++calls.calls;
  [[maybe_unused]] const Word arguments[] = {words...};
  calls.bytes += bytes_of<Count, payload>(arguments);
  return result;
}

/// Handle of MPI_COMM_WORLD: an object of Open MPI's, a number of MPICH's and its descendants'. 0: of another MPI.
Word world() {
  if (void* open_mpi = look_for_variable("ompi_mpi_comm_world")) return reinterpret_cast<Word>(open_mpi);
  void* address = look_for_original("PMPI_Get_library_version");
  if (address == nullptr) return 0;
  char version[8192] = {};  // the standard's limit
  int length = 0;
  reinterpret_cast<int (*)(char*, int*)>(address)(version, &length);
  for (const char* name : {"MPICH", "Intel(R) MPI", "MVAPICH"}) {
    if (std::strstr(version, name) != nullptr) return 0x44000000;
  }
  return 0;
}

/// MPI_Init has returned; `thread.state` is mpi.
void begin() {
  auto& thread = this_thread;
  int rank = -1, ranks = 0;
  if (const Word comm = world(); comm != 0) {
    static constinit Original comm_rank{"PMPI_Comm_rank"};
    comm_rank(comm, reinterpret_cast<Word>(&rank));
    ranks = ranks_of(comm);
  }
  begin_ranks(rank, ranks);
  thread.become_useful(ticks());
}

template <class... Words>
Word init(Original& original, Words... words) {
  auto& thread = self();
  if (thread.state == State::mpi) return original(words...);
  thread.state = State::mpi;
  const Word result = original(words...);
  if (static_cast<int>(result) == 0) {
    begin();
  } else {
    thread.become_useful(ticks());
  }
  return result;
}

/// MPI_Finalize and MPI_Abort: the end is before them, when the others have not been waited for.
template <class... Words>
Word end(Original& original, bool is_finalized, Words... words) {
  auto& thread = self();
  if (thread.state != State::mpi) finish(is_finalized);
  thread.state = State::mpi;
  return original(words...);
}

/// What include/paceline/probed_wait.hpp calls.
void begin_wait() {
  auto& thread = self();
  if (thread.state != State::useful) return;
  thread.leave_useful(State::mpi, ticks());
  thread.tells_wait = true;
}
void end_wait() {
  auto& thread = self();
  if (!thread.tells_wait) return;
  thread.tells_wait = false;
  auto& waits = thread.totals.by_class[static_cast<int>(Class::told)];
  waits.ticks += thread.leave_mpi();
  ++waits.calls;
}

template <class... Words>
Word type_free(Original& original, Words... words) {
  const Word result = original(words...);
  forget_datatypes();
  return result;
}

}  // namespace
}  // namespace paceline::probe

using namespace paceline::probe;

#define MEASURED(name, arguments, Count, kind, payload)                            \
  PACELINE_EXPORT Word name(PARAMETERS_##arguments) {                              \
    static constinit Original original{#name};                                     \
    return measured<Count, Class::kind, payload>(original, ARGUMENTS_##arguments); \
  }
#define PACELINE_MPI(name, arguments, kind, payload)  \
  MEASURED(MPI_##name, arguments, int, kind, payload) \
  MEASURED(PMPI_##name, arguments, int, kind, payload)
#define PACELINE_MPI_COUNTED(name, arguments, kind, payload)       \
  PACELINE_MPI(name, arguments, kind, payload)                     \
  MEASURED(MPI_##name##_c, arguments, std::int64_t, kind, payload) \
  MEASURED(PMPI_##name##_c, arguments, std::int64_t, kind, payload)
#include "probe/mpi_functions.def"

WRAPPED(MPI_Init, 2, init)
WRAPPED(PMPI_Init, 2, init)
WRAPPED(MPI_Init_thread, 4, init)
WRAPPED(PMPI_Init_thread, 4, init)
WRAPPED(MPI_Abort, 2, end, false)
WRAPPED(PMPI_Abort, 2, end, false)
WRAPPED(MPI_Type_free, 1, type_free)
WRAPPED(PMPI_Type_free, 1, type_free)

WRAPPED_0(MPI_Finalize, end, true)
WRAPPED_0(PMPI_Finalize, end, true)

PACELINE_EXPORT void paceline_probe_begin_wait() { begin_wait(); }
PACELINE_EXPORT void paceline_probe_end_wait() { end_wait(); }
