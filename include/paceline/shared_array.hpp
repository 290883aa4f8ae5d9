// An array that the ranks of a node have in common.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <type_traits>

#include <paceline/comm.hpp>
#include <paceline/node_memory.hpp>
#include <paceline/slab.hpp>

namespace paceline {

/// `size` elements per node, in a shared window: a rank reads and writes them as its own memory, at the same speed, and
/// copies nothing. Ranks of other nodes have an array of their own node. Nothing orders the accesses of different ranks
/// but what is used for it: a Mutex, Barrier, Event or Value, whose calls order memory for the ranks of the node.
template <class T>
class SharedArray {
  static_assert(std::is_trivially_copyable_v<T>, "what ranks share must be plain bytes");

 public:
  using Content = NodeMemory::Content;

  /// Collective, and so is destruction. Content::zeroed: by the node's first rank, which places all pages on its NUMA
  /// node. Content::fresh: not touched; write your own part() first, and its pages are near you (pages come zeroed
  /// from the system, but that is no promise).
  SharedArray(const Comm& comm, std::int64_t size, Content content = Content::zeroed)
      : node_(comm.split_node()),
        size_(size),
        memory_(node_, checked_bytes(comm, size), content),
        values_(reinterpret_cast<T*>(memory_.data()), static_cast<std::size_t>(size)) {}

  [[nodiscard]] std::int64_t size() const { return size_; }
  /// The ranks that have this array in common.
  [[nodiscard]] const Comm& node() const { return node_; }

  /// All of it; valid while the array lives.
  [[nodiscard]] std::span<T> span() const { return values_; }
  [[nodiscard]] T& operator[](std::int64_t index) const { return values_[static_cast<std::size_t>(index)]; }
  /// Elements of this rank when the node's ranks share them evenly, and the same of another rank of the node.
  [[nodiscard]] Slab part() const { return part(node_.rank()); }
  [[nodiscard]] Slab part(int node_rank) const { return even_part({0, size_}, node_rank, node_.size()); }
  [[nodiscard]] std::span<T> span(Slab elements) const {
    return values_.subspan(static_cast<std::size_t>(elements.begin), static_cast<std::size_t>(elements.size()));
  }

 private:
  static std::size_t checked_bytes(const Comm& comm, std::int64_t size) {
    agree(comm, size >= 0 && size <= INT64_MAX / 2 / static_cast<std::int64_t>(sizeof(T))
                    ? std::nullopt
                    : std::optional(Error(ErrorKind::failure,
                                          "a shared array can't have " + std::to_string(size) + " elements")));
    return static_cast<std::size_t>(size) * sizeof(T);
  }

  Comm node_;
  std::int64_t size_;
  NodeMemory memory_;
  std::span<T> values_;
};

}  // namespace paceline
