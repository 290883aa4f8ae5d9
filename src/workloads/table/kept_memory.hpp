// Memory for the values that are kept of ranges: taken in huge pages, because to get small ones from the system takes
// as long as to parse, and given back all at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <vector>

#include <paceline/page_buffer.hpp>

namespace paceline::table {

/// By any thread.
class KeptMemory final : public std::pmr::memory_resource {
 private:
  static constexpr std::size_t chunk_bytes = std::size_t{64} << 20;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const std::lock_guard lock(mutex_);
    auto begin = (used_ + alignment - 1) / alignment * alignment;
    if (chunks_.empty() || begin + bytes > chunks_.back().bytes().size()) {
      chunks_.emplace_back(std::max(bytes, chunk_bytes));
      chunks_.back().prefer_huge_pages();
      begin = 0;
    }
    used_ = begin + bytes;
    return chunks_.back().bytes().data() + begin;
  }
  void do_deallocate(void* /*memory*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::mutex mutex_;
  std::vector<PageBuffer> chunks_;
  std::size_t used_ = 0;  ///< of the last one
};

}  // namespace paceline::table
