// Memory straight from the system: untouched until somebody works on it, in huge pages where the system gives them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace paceline {

class PageBuffer {
 public:
  /// Of what is touched at once by touch(); the system's pages may be larger.
  static constexpr std::size_t page = 4096;

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
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, bytes_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Makes the calling thread's memory of what is nobody's yet; the content is zero before and after.
inline void touch(std::span<std::byte> fresh) {
  for (std::size_t at = 0; at < fresh.size(); at += PageBuffer::page) {
    *const_cast<volatile std::byte*>(&fresh[at]) = std::byte{0};
  }
}

}  // namespace paceline
