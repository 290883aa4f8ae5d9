// Memory that all ranks of a node see, for atomics that make progress whatever the other ranks are doing.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <new>

#include <paceline/comm.hpp>

namespace paceline {

/// One piece of memory per node. Construction and destruction are collective over `node`.
class NodeMemory {
 public:
  /// Of data(), in bytes: a cache line.
  static constexpr std::size_t alignment = 64;

  /// zeroed: by the node's first rank. fresh: whatever it holds, so that those who work on it can touch it first.
  enum class Content { zeroed, fresh };
  NodeMemory(const Comm& node, std::size_t bytes, Content content = Content::zeroed);
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;
  ~NodeMemory();

  [[nodiscard]] std::byte* data() const { return data_; }

 private:
  Comm node_;
  MPI_Win window_ = MPI_WIN_NULL;
  std::byte* data_ = nullptr;
};

}  // namespace paceline
