#include "probe/payload.hpp"

#include <atomic>

namespace paceline::probe {
namespace {

std::atomic<std::uint32_t> freed = 0;

struct Known {
  Word datatype = 0;
  std::uint32_t freed = ~0U;
  int bytes = 0;
};
thread_local constinit Known known[8];

/// MPI_DATATYPE_NULL: an object of Open MPI's, a number of MPICH's.
bool is_null(Word datatype) {
  constexpr std::uint32_t mpich_null = 0x0c000000;
  if (static_cast<Word>(static_cast<std::uint32_t>(datatype)) == datatype) {  // no address
    return datatype == 0 || static_cast<std::uint32_t>(datatype) == mpich_null;
  }
  return reinterpret_cast<void*>(datatype) == look_for_variable("ompi_mpi_datatype_null");
}

}  // namespace

std::uint64_t datatype_bytes(Word datatype) {
  static constinit Original type_size{"PMPI_Type_size"};
  const auto now = freed.load(std::memory_order_relaxed);
  // Handles of Open MPI are addresses of objects of some hundred bytes; MPICH's have the bytes of a type in the second
  // byte.
  auto& entry = known[(static_cast<std::uint64_t>(datatype) ^ (static_cast<std::uint64_t>(datatype) >> 8)) % 8];
  if (entry.datatype != datatype || entry.freed != now) {
    int bytes = 0;
    if (is_null(datatype) || static_cast<int>(type_size(datatype, reinterpret_cast<Word>(&bytes))) != 0 || bytes < 0)
      bytes = 0;
    entry = {datatype, now, bytes};
  }
  return static_cast<std::uint64_t>(entry.bytes);
}

void forget_datatypes() { freed.fetch_add(1, std::memory_order_relaxed); }

int ranks_of(Word comm) {
  static constinit Original comm_size{"PMPI_Comm_size"};
  int ranks = 0;
  return static_cast<int>(comm_size(comm, reinterpret_cast<Word>(&ranks))) == 0 ? ranks : 0;
}

}  // namespace paceline::probe
