// Memory for the values of ranges, given back all at once.
//
// To get it from the system takes as long as half of the parsing, by huge pages a fourth of that. But they can be slow
// where memory is fragmented, or a virtual machine gets it only now from its host: then small ones are taken. Where
// these are slow as well (8 to 15 microseconds each, measured in such a machine), to parse a range again takes less
// time than to keep its values.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "host/page_buffer.hpp"

namespace paceline::table {

class ValueMemory {
 public:
  /// So many values, not set. By any thread. Throws std::bad_alloc.
  std::span<std::uint64_t> take(std::size_t count) {
    const auto bytes = count * sizeof(std::uint64_t);
    const std::lock_guard lock(mutex_);
    while (current_ < chunks_.size() && chunks_[current_].bytes().size() - used_ < bytes) {
      ++current_;
      used_ = 0;
    }
    if (current_ == chunks_.size()) add_chunk(std::max(bytes, chunk_bytes));
    auto* values = reinterpret_cast<std::uint64_t*>(chunks_[current_].bytes().data() + used_);
    used_ += bytes;
    taken_ += bytes;
    return {values, count};
  }
  /// Bytes since the last clear().
  [[nodiscard]] std::int64_t taken() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(taken_);
  }
  /// False where more of it would cost more than it saves.
  [[nodiscard]] bool is_worth_it() const {
    const std::lock_guard lock(mutex_);
    return !are_all_slow_;
  }
  /// All that was taken is free again, to be taken once more.
  void clear() {
    const std::lock_guard lock(mutex_);
    current_ = used_ = taken_ = 0;
  }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{4} << 20;
  // Ten times as long as it takes to clear one.
  static constexpr auto slow_page = std::chrono::milliseconds(1);
  // Small pages, for each twice as long as it takes to parse the 512 values that it holds.
  static constexpr std::size_t tried_bytes = 16 * PageBuffer::page;
  static constexpr auto slow_try = std::chrono::microseconds(16 * 6);

  void add_chunk(std::size_t bytes) {
    chunks_.emplace_back(bytes);
    if (!are_slow_) chunks_.back().prefer_huge_pages();
    const auto fresh = chunks_.back().bytes();
    const auto start = std::chrono::steady_clock::now();
    touch(fresh.first(are_slow_ ? std::min(tried_bytes, fresh.size()) : 1));
    const auto took = std::chrono::steady_clock::now() - start;
    if (are_slow_) {
      are_all_slow_ = took > slow_try;
    } else {
      are_slow_ = took > slow_page;
    }
  }

  mutable std::mutex mutex_;
  std::vector<PageBuffer> chunks_;
  std::size_t current_ = 0;  ///< chunk from which is taken
  std::size_t used_ = 0;     ///< bytes of it
  std::size_t taken_ = 0;
  bool are_slow_ = false;      ///< huge pages
  bool are_all_slow_ = false;  ///< small ones, too
};

}  // namespace paceline::table
