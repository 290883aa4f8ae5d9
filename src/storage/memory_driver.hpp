// A file of HDF5 in memory of which only the pages exist that were written: an image of a file of any size.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>

#include "storage/h5.hpp"

namespace paceline {

class PagedMemory {
 public:
  void write(std::int64_t at, std::span<const char> bytes);
  /// What was never written is zeros.
  void read(std::int64_t at, std::span<char> bytes) const;
  [[nodiscard]] std::int64_t size() const { return size_; }
  void resize(std::int64_t bytes) { size_ = bytes; }

 private:
  static constexpr std::int64_t page_bytes = 4096;
  using Page = std::array<char, page_bytes>;
  /// Calls action(page number, first byte in it, bytes).
  template <class Bytes, class Action>
  static void for_each_page(std::int64_t at, Bytes bytes, Action&& action);

  std::unordered_map<std::int64_t, Page> pages_;
  std::int64_t size_ = 0;
};

/// Access properties with which H5Fcreate and H5Fopen, whatever the name, work on `memory`, which outlives the file.
h5::Handle access_in_memory(PagedMemory& memory);

}  // namespace paceline
