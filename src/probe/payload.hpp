// How many bytes a call moves, from those of its arguments that count on this rank.
#pragma once

#include <cstdint>

#include "probe/original.hpp"

namespace paceline::probe {

/// Places of arguments, from 0; -1: none.
struct Payload {
  int count = -1;
  int datatype = -1;
  int peer = -1;    ///< the other rank or the root: negative for MPI_PROC_NULL, and on some sides of intercommunicators
  int buffer = -1;  ///< MPI_IN_PLACE here may make count and datatype meaningless
  int comm = -1;    ///< so much for each of its ranks
  bool lists = false;  ///< count is an array, an element for each rank of comm
};

constexpr Payload nothing{};
/// Of a rooted collective or one to a rank.
constexpr Payload sent(int count, int datatype, int peer = -1) { return {count, datatype, peer, -1, -1, false}; }
constexpr Payload unless_in_place(int buffer, int count, int datatype, int peer = -1) {
  return {count, datatype, peer, buffer, -1, false};
}
constexpr Payload to_each(int buffer, int count, int datatype, int comm) {
  return {count, datatype, -1, buffer, comm, false};
}
constexpr Payload to_each_as_listed(int buffer, int counts, int datatype, int comm) {
  return {counts, datatype, -1, buffer, comm, true};
}

/// Bytes of an element; 0 for none. MPI is asked once for each datatype, until one is freed: its handle may then come
/// to mean another.
std::uint64_t datatype_bytes(Word datatype);
/// To be called when a datatype is freed.
void forget_datatypes();
int ranks_of(Word comm);

/// `Count`: int, or 64 bits for functions whose name ends in _c.
template <class Count, Payload payload>
inline std::uint64_t bytes_of(const Word* arguments) {
  if constexpr (payload.count < 0) {
    return 0;
  } else {
    if constexpr (payload.peer >= 0) {
      if (static_cast<int>(arguments[payload.peer]) < 0) return 0;
    }
    if constexpr (payload.buffer >= 0) {
      // Open MPI writes 1 for MPI_IN_PLACE, MPICH -1.
      if (arguments[payload.buffer] == 1 || arguments[payload.buffer] == -1) return 0;
    }
    std::int64_t count = 0;
    if constexpr (payload.lists) {
      const auto* counts = reinterpret_cast<const Count*>(arguments[payload.count]);
      for (int i = ranks_of(arguments[payload.comm]) - 1; i >= 0; --i) count += counts[i];
    } else {
      count = static_cast<Count>(arguments[payload.count]);
      if constexpr (payload.comm >= 0) count *= ranks_of(arguments[payload.comm]);
    }
    // Without elements the datatype may be none.
    return count > 0 ? static_cast<std::uint64_t>(count) * datatype_bytes(arguments[payload.datatype]) : 0;
  }
}

}  // namespace paceline::probe
