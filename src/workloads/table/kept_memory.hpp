// Memory for the values that are kept of ranges, given back all at once.
//
// To get it from the system takes as long as half of the parsing, by huge pages a fourth of that. But they can be slow
// where memory is fragmented, or a virtual machine gets it only now from its host: then small ones are taken.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <vector>

#include <paceline/page_buffer.hpp>

namespace paceline::table {

/// By any thread.
class KeptMemory final : public std::pmr::memory_resource {
 private:
  static constexpr std::size_t chunk_bytes = std::size_t{4} << 20;
  // Ten times as long as it takes to clear one.
  static constexpr auto slow_page = std::chrono::milliseconds(1);

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const std::lock_guard lock(mutex_);
    auto begin = (used_ + alignment - 1) / alignment * alignment;
    if (chunks_.empty() || begin + bytes > chunks_.back().bytes().size()) {
      add_chunk(std::max(bytes, chunk_bytes));
      begin = 0;
    }
    used_ = begin + bytes;
    return chunks_.back().bytes().data() + begin;
  }
  void do_deallocate(void* /*memory*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  void add_chunk(std::size_t bytes) {
    chunks_.emplace_back(bytes);
    if (are_slow_) return;
    chunks_.back().prefer_huge_pages();
    const auto start = std::chrono::steady_clock::now();
    touch(chunks_.back().bytes().first(1));
    are_slow_ = std::chrono::steady_clock::now() - start > slow_page;
  }

  std::mutex mutex_;
  std::vector<PageBuffer> chunks_;
  std::size_t used_ = 0;   ///< of the last one
  bool are_slow_ = false;  ///< huge pages
};

}  // namespace paceline::table
