// Memory straight from the system: untouched until somebody works on it, in huge pages where the system gives them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace paceline {

class PageBuffer {
 public:
  /// The smallest that a system has, and its usual huge one.
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t huge = std::size_t{2} << 20;

  PageBuffer() = default;
  /// Throws std::bad_alloc.
  explicit PageBuffer(std::size_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(memory);
  }
  PageBuffer(PageBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PageBuffer& operator=(PageBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PageBuffer() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }

  /// Worth it where all of it will be worked on; to be asked before it is touched.
  void prefer_huge_pages() const {
    if (data_ != nullptr) madvise(data_, bytes_, MADV_HUGEPAGE);
  }
  /// The pages that are not there yet become small ones.
  void avoid_huge_pages() const {
    if (data_ != nullptr) madvise(data_, bytes_, MADV_NOHUGEPAGE);
  }
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, bytes_}; }
  /// A byte of the first huge page that fits, or of the first page.
  [[nodiscard]] std::span<std::byte> huge_page() const {
    void* place = data_;
    auto size = bytes_;
    const bool fits = std::align(huge, huge, place, size) != nullptr;
    return {fits ? static_cast<std::byte*>(place) : data_, std::min(bytes_, std::size_t{1})};
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Makes the calling thread's memory of what is nobody's yet; the content is zero before and after.
///
/// The kernel is asked for all pages at once first (Linux 5.14 and later). In a virtual machine a fault for each costs
/// the guest as much as its host: 64 MiB take 137 ms so, and 215 ms by faults alone.
inline void touch(std::span<std::byte> fresh) {
  if (fresh.empty()) return;
  static const auto system_page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(fresh.data()) / system_page * system_page;
  const auto end = reinterpret_cast<std::uintptr_t>(fresh.data() + fresh.size());
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
  for (std::size_t at = 0; at < fresh.size(); at += PageBuffer::page) {
    *const_cast<volatile std::byte*>(&fresh[at]) = std::byte{0};
  }
}

/// Longer than the same bytes take in small pages.
inline constexpr auto slow_huge_page = std::chrono::milliseconds(1);

/// The same in huge pages, as long as these are quick: where memory is fragmented, or where a virtual machine gets it
/// only now from its host, one takes up to 16 ms. (A guest that reports free memory to its host reports huge pages.)
inline void touch_in_huge_pages(std::span<std::byte> fresh) {
  while (!fresh.empty()) {
    const auto some = fresh.first(std::min(fresh.size(), PageBuffer::huge));
    fresh = fresh.subspan(some.size());
    const auto start = std::chrono::steady_clock::now();
    touch(some);
    if (std::chrono::steady_clock::now() - start < slow_huge_page || fresh.empty()) continue;
    // Whole pages alone can be advised on.
    auto* rest = static_cast<void*>(fresh.data());
    auto size = fresh.size();
    if (std::align(PageBuffer::page, 1, rest, size) != nullptr) madvise(rest, size, MADV_NOHUGEPAGE);
    return touch(fresh);
  }
}

}  // namespace paceline
