// Memory for the values of ranges, given back all at once.
//
// Where values are kept, to get their memory from the system takes half as long as to parse them, by huge pages an
// eighth. But huge pages can be slow, see touch_in_huge_pages(): then small ones are taken. Where these are slow as
// well (8 to 15 microseconds each, measured in a virtual machine), to parse a range again takes less time than to keep
// its values.
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

/// Which pages values are kept in: for all threads together, by what each has measured.
class KeptPages {
 public:
  /// For the next few MiB. One thread tries huge pages, while others take small ones.
  [[nodiscard]] bool takes_huge_ones() {
    const std::lock_guard lock(mutex_);
    if (huge_ == Huge::quick) return true;
    if (huge_ != Huge::unknown) return false;
    huge_ = Huge::tried;
    return true;
  }
  void tell_huge(bool are_quick) {
    const std::lock_guard lock(mutex_);
    huge_ = are_quick ? Huge::quick : Huge::slow;
  }
  void tell_small(bool are_quick) {
    const std::lock_guard lock(mutex_);
    are_all_slow_ = !are_quick;
  }
  /// False where to keep more would cost more than it saves.
  [[nodiscard]] bool are_worth_it() const {
    const std::lock_guard lock(mutex_);
    return !are_all_slow_;
  }

 private:
  enum class Huge { unknown, tried, quick, slow };
  mutable std::mutex mutex_;
  Huge huge_ = Huge::unknown;
  bool are_all_slow_ = false;
};

/// Of one thread.
class ValueMemory {
 public:
  /// `pages`: for values that are kept; without, memory is used again before there is much of it.
  explicit ValueMemory(KeptPages* pages = nullptr) : pages_(pages) {}

  /// Memory for `count` values, which are not set. Throws std::bad_alloc.
  std::span<std::uint64_t> take(std::size_t count) {
    const auto bytes = count * sizeof(std::uint64_t);
    while (current_ < chunks_.size() && chunks_[current_].bytes().size() - used_ < bytes) {
      ++current_;
      used_ = 0;
    }
    if (current_ == chunks_.size()) add_chunk(std::max(bytes, chunk_bytes));
    auto* values = reinterpret_cast<std::uint64_t*>(chunks_[current_].bytes().data() + used_);
    used_ += bytes;
    return {values, count};
  }
  /// The last of these, of what take() gave last, are free again.
  void give_back(std::size_t count) { used_ -= count * sizeof(std::uint64_t); }
  /// All that was taken is free again, to be taken once more.
  void clear() { current_ = used_ = 0; }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{4} << 20;
  // Small pages: each takes as long as it takes to read and parse the 1,024 values that it holds where they are packed.
  static constexpr std::size_t tried_bytes = 16 * PageBuffer::page;
  static constexpr auto slow_try = std::chrono::microseconds(16 * 6);

  void add_chunk(std::size_t bytes) {
    chunks_.emplace_back(bytes);
    const auto& chunk = chunks_.back();
    if (pages_ == nullptr) return;
    const auto took = [&](std::span<std::byte> tried) {
      const auto start = std::chrono::steady_clock::now();
      touch(tried);
      return std::chrono::steady_clock::now() - start;
    };
    if (pages_->takes_huge_ones()) {
      chunk.prefer_huge_pages();
      const bool are_quick = took(chunk.huge_page()) < slow_huge_page;
      if (!are_quick) chunk.avoid_huge_pages();
      pages_->tell_huge(are_quick);
    } else {
      pages_->tell_small(took(chunk.bytes().first(std::min(tried_bytes, bytes))) < slow_try);
    }
  }

  KeptPages* pages_;
  std::vector<PageBuffer> chunks_;
  std::size_t current_ = 0;  ///< chunk from which is taken
  std::size_t used_ = 0;     ///< bytes of it
};

}  // namespace paceline::table
