#include <paceline/node_memory.hpp>

#include <cstring>
#include <memory>

namespace paceline {

NodeMemory::NodeMemory(const Comm& node, std::size_t bytes, Content content) : node_(node) {
  void* base = nullptr;
  const auto mine = static_cast<MPI_Aint>(node.rank() == 0 ? bytes + alignment : 0);
  check_mpi(MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, node.handle(), &base, &window_), "MPI_Win_allocate_shared");
  MPI_Aint size = 0;
  int unit = 1;
  check_mpi(MPI_Win_shared_query(window_, 0, &size, &unit, &base), "MPI_Win_shared_query");
  // Open MPI gives 8-byte alignment. Segments are mapped by pages, so every rank rounds up to the same place.
  auto room = static_cast<std::size_t>(size);
  data_ = static_cast<std::byte*>(std::align(alignment, bytes, base, room));
  if (node.rank() == 0 && content == Content::zeroed) std::memset(data_, 0, bytes);
  node.barrier();
}

NodeMemory::~NodeMemory() {
  // A rank that fails must not wait here for the others; the window goes with the job.
  if (std::uncaught_exceptions() == 0) MPI_Win_free(&window_);
}

}  // namespace paceline
