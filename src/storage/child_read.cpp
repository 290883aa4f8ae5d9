#include "storage/child_read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

#include <paceline/error.hpp>

#include "host/child_worker.hpp"

namespace paceline {
namespace {

// What may be read at once.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::int64_t most_read_at_once = std::int64_t{16} << 20;  // the sanitizer writes to its shadow of all of it
#else
constexpr std::int64_t most_read_at_once = std::int64_t{1} << 30;
#endif

}  // namespace

std::vector<std::byte> read_in_child(const std::function<std::vector<std::byte>()>& read, const ReadLimits& limits) {
  // What was read is in the shared memory, of which the child touches what it needs: its size, and the bytes.
  const auto room = static_cast<std::size_t>(std::min(limits.memory_bytes, most_read_at_once));
  ChildWorker child(room, limits.memory_bytes, [&](std::span<const std::int64_t>, std::span<std::byte> shared) {
    try {
      const auto bytes = read();
      const auto size = bytes.size();
      if (size > shared.size() - sizeof size) throw std::bad_alloc();
      std::memcpy(shared.data(), &size, sizeof size);
      std::copy(bytes.begin(), bytes.end(), shared.begin() + sizeof size);
    } catch (const std::bad_alloc&) {
      throw Error(ErrorKind::failure, "it asks for more memory than such a file can need");
    }
  });
  try {
    child.call({}, limits.seconds);
  } catch (const ChildWorker::Died& death) {
    throw Error(ErrorKind::failure,
                death.is_too_long ? fmt::format("{} within {:g} s", death.why, limits.seconds) : death.why);
  }
  std::size_t size = 0;
  std::memcpy(&size, child.shared().data(), sizeof size);
  const auto bytes = child.shared().subspan(sizeof size, size);
  return {bytes.begin(), bytes.end()};
}

}  // namespace paceline
